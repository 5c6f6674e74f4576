"""The built-in Git forge, over HTTP like any other (docs/git-forge.md)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from intakebot.forges.api import Ability, PullsSince, Refused
from intakebot.forges.git.http import Answer, Api
from intakebot.forges.git.shapes import Json, read_account, read_build, read_incident, read_pull
from intakebot.model import (
    Account,
    Build,
    ContributorError,
    Decline,
    EditComment,
    Effect,
    Incident,
    OperatorError,
    Permission,
    PostComment,
    PostInline,
    Pull,
    PutReport,
    Repo,
    ResolveInline,
    SetReview,
    SetStatus,
    TryLater,
    Wording,
)
from intakebot.repo.git import Credential

__all__ = ["GitForge"]

BOT = "intakebot"
NUMBER = re.compile(r"[1-9][0-9]{0,17}")  # what the forge takes for an id or a place in its order


class GitForge:
    """`tokens` are the bot's own by scope: `bot` reads and writes, `web` speaks for people."""

    name = "git"
    abilities: frozenset[Ability] = frozenset()
    lag = timedelta(0)

    def __init__(self, url: str, public_url: str, tokens: Mapping[str, str]) -> None:
        self.api = Api(url, (BOT, tokens.get("bot", "")))
        self.url = url
        self.public_url = public_url
        self.tokens = tokens
        self.account: Account | None = None

    def survey_every(self) -> timedelta:
        return timedelta(0)  # no limits here: the clock's own pace will do

    def remark(self, repo_id: str, commit: str, text: str) -> None:
        raise Refused("the Git forge has no comments on commits")

    def builds(self, repo_id: str, commit: str) -> Sequence[Build]:
        answer = self.api.ask("GET", f"/api/repos/{repo_id}/builds/{commit}")
        return [read_build(found) for found in answer.body["builds"]]

    def credential(self, repo: Repo, purpose: Literal["read", "land"]) -> Credential:
        scope = "land" if purpose == "land" else "bot"
        return Credential(self.url, BOT, self.tokens.get(scope, ""))

    def me(self) -> Account:
        if self.account is None:
            self.account = read_account(self.api.get("/api/user"))
        return self.account

    def repos(self) -> Sequence[Repo]:
        return [self._repo(found) for found in self.api.get("/api/repos")["repos"]]

    def pull(self, repo_id: str, number: int) -> Pull | None:
        answer = self.api.ask("GET", f"/api/repos/{repo_id}/pulls/{number}", accept=(404,))
        if answer.status == 404:
            self.api.get(f"/api/repos/{repo_id}")  # fails where it is the repository that is gone
            return None
        repo = self._repo(answer.body["repo"])
        url = f"{self.public_url}/pulls/{repo.name}/{number}"
        return read_pull(answer.body, repo, url, self.me().id)

    def pulls_since(self, repo_id: str, cursor: str) -> PullsSince:
        numbers: list[int] = []
        seq = int(cursor) if NUMBER.fullmatch(cursor) else 0
        while True:
            answer = self.api.get(f"/api/repos/{repo_id}/pulls?state=all&after={seq}")
            numbers += [pull["number"] for pull in answer["pulls"]]
            before, seq = seq, int(answer["seq"])
            if not answer["pulls"] or seq == before:
                return PullsSince(tuple(dict.fromkeys(numbers)), str(seq))

    def tips(self, repo_id: str, branches: Sequence[str]) -> Mapping[str, str]:
        asked = urlencode([("branch", branch) for branch in branches])
        answer = self.api.get(f"/api/repos/{repo_id}/branches?{asked}")
        return {name: answer["branches"][name] for name in branches if name in answer["branches"]}

    def newest(self, repo_id: str) -> int:
        return max(self.pulls_since(repo_id, "").numbers, default=0)

    def spare(self, repo_id: str) -> None:
        """It is the house's own, and has no limits."""

    def incidents_since(self, repo_id: str, cursor: str) -> Sequence[Incident]:
        answer = self.api.get(f"/api/repos/{repo_id}/incidents?after={cursor or 0}")
        return [read_incident(found, repo_id) for found in answer["incidents"]]

    def permission(self, repo_id: str, account_id: str) -> Permission:
        if not NUMBER.fullmatch(account_id):
            return Permission.NONE
        answer = self.api.get(f"/api/repos/{repo_id}/permissions/{account_id}")
        return Permission(answer["permission"])

    def perform(self, pull: Pull, effect: Effect) -> str | None:
        place = f"/api/repos/{pull.repo.id}/pulls/{pull.number}"
        match effect:
            case PostComment(key, text):
                return self._post(place, {"text": text, "key": key})
            case PostInline(note):
                # Without a line it is about the whole file.
                body = {"text": note.text, "key": note.key, "path": note.path}
                return self._post(place, {**body, "line": note.line or None})
            case EditComment(_, comment, text):
                if not self._mend(place, comment, {"text": text}):
                    raise TryLater(f"comment {comment} is gone from {pull.url}; reading again")
            case ResolveInline(_, comment):  # one that was deleted is out of the way, too
                self._mend(place, comment, {"resolved": True})
            case SetStatus(head, status):
                self._do("PUT", f"/api/repos/{pull.repo.id}/statuses/{head}", asdict(status))
            case SetReview() | PutReport():
                raise Refused("the Git forge has no reviews by the bot and no reports")
            case Decline():
                self._do("PATCH", place, {"state": "closed"})
        return None

    def _post(self, place: str, body: Mapping[str, Any]) -> str:
        return str(self._do("POST", f"{place}/comments", body).body["id"])

    def _mend(self, place: str, comment: str, body: Mapping[str, Any]) -> bool:
        """False when the comment was deleted."""
        answer = self._do("PATCH", f"{place}/comments/{comment}", body, accept=(404,))
        return answer.status != 404

    def _do(
        self, method: str, path: str, body: Mapping[str, Any], accept: Collection[int] = ()
    ) -> Answer:
        """Raises Refused for what is wrong with this one effect, however often it is tried."""
        answer = self.api.ask(method, path, body, accept=(400, 413, *accept))
        if answer.status in (400, 413):
            raise Refused(f"the Git forge refuses it ({answer.status}): {answer.error}")
        return answer

    def whoami(self, login: str, token: str) -> Account | None:
        answer = self.api.ask("GET", "/api/user", auth=(login, token), accept=(401, 403))
        if answer.status != 200 or answer.body["scope"] != "person":
            return None
        return read_account(answer.body)

    def say(self, repo_id: str, number: int, account_id: str, text: str, seen_head: str) -> str:
        body = {"text": text, "seen_head": seen_head or None}
        place = f"/api/repos/{repo_id}/pulls/{number}/comments"
        return str(self._for_somebody(account_id, "POST", place, body)["id"])

    def reword(self, repo_id: str, number: int, account_id: str, wording: Wording) -> None:
        place = f"/api/repos/{repo_id}/pulls/{number}"
        self._for_somebody(account_id, "PATCH", place, asdict(wording))

    def _for_somebody(
        self, account_id: str, method: str, path: str, body: Mapping[str, Any]
    ) -> Json:
        """In that person's name and with that person's rights; a refusal is theirs to read."""
        answer = self.api.ask(
            method,
            path,
            body,
            accept=(400, 403, 404, 409, 413),
            auth=(self.me().login, self.tokens["web"]),
            headers={"On-Behalf-Of": account_id},
        )
        if answer.status == 404:  # what somebody may not read is not there for them
            raise ContributorError(
                "Your account has no access to this repository at the Git forge. An owner can "
                "give it: intakebot repo grant LOGIN read --repo NAME"
            )
        if answer.status >= 400:
            raise ContributorError(answer.error or "The Git forge refuses this.")
        return answer.body

    def _repo(self, found: Json) -> Repo:
        if not str(found["clone_url"]).startswith(f"{self.url}/git/"):
            raise OperatorError(
                f"the Git forge names {found['clone_url']} as a clone address, which is not "
                f"below {self.url}; set GIT_URL to the forge's public address"
            )
        return Repo(
            forge=self.name,
            id=str(found["id"]),
            name=found["name"],
            clone_url=found["clone_url"],
            intake=found["intake"],
            deploy=found["deploy"],
        )
