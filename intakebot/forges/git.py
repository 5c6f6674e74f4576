"""The built-in Git forge, over HTTP like any other (docs/git-forge.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Literal

import requests

from intakebot.forges.api import Ability, PullsSince, Refused
from intakebot.model import (
    Account,
    Comment,
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
    PullState,
    Push,
    PutReport,
    Repo,
    ResolveInline,
    Retarget,
    Review,
    SetReview,
    SetStatus,
    Source,
    Status,
    TryLater,
    Wording,
)
from intakebot.repo.git import Credential

TIMEOUT = (5, 30)  # seconds to connect, to answer
BOT = "intakebot"
Json = Mapping[str, Any]


class GitForge:
    """`tokens` are the bot's own by scope: `bot` reads and writes, `web` speaks for people."""

    name = "git"
    abilities: frozenset[Ability] = frozenset()

    def __init__(self, url: str, public_url: str, tokens: Mapping[str, str]) -> None:
        self.url = url
        self.public_url = public_url
        self.tokens = tokens
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy or netrc of the machine comes between
        self.account: Account | None = None

    def survey_every(self) -> timedelta:
        return timedelta(0)  # no limits here: the clock's own pace will do

    def remark(self, repo_id: str, commit: str, text: str) -> None:
        raise Refused("the Git forge has no comments on commits")

    def credential(self, repo: Repo, purpose: Literal["read", "land"]) -> Credential:
        scope = "land" if purpose == "land" else "bot"
        return Credential(self.url, BOT, self.tokens.get(scope, ""))

    def me(self) -> Account:
        if self.account is None:
            self.account = _account(self._get("/api/user"))
        return self.account

    def repos(self) -> Sequence[Repo]:
        return [self._repo(found) for found in self._get("/api/repos")["repos"]]

    def pull(self, repo_id: str, number: int) -> Pull | None:
        answer = self._ask("GET", f"/api/repos/{repo_id}/pulls/{number}", none=(404,))
        if answer is None:
            return None
        repo = self._repo(self._get(f"/api/repos/{repo_id}"))
        url = f"{self.public_url}/pulls/{repo.name}/{number}"
        return _pull(answer, repo, url, self.me().id)

    def pulls_since(self, repo_id: str, cursor: str) -> PullsSince:
        numbers: list[int] = []
        while True:
            query = f"state=all&after={cursor or 0}"
            answer = self._get(f"/api/repos/{repo_id}/pulls?{query}")
            numbers += [pull["number"] for pull in answer["pulls"]]
            moved = str(answer["seq"]) != cursor
            cursor = str(answer["seq"])
            if not answer["pulls"] or not moved:
                return PullsSince(tuple(dict.fromkeys(numbers)), cursor)

    def incidents_since(self, repo_id: str, cursor: str) -> Sequence[Incident]:
        answer = self._get(f"/api/repos/{repo_id}/incidents?after={cursor or 0}")
        return [
            Incident(
                id=str(found["id"]),
                kind=found["kind"],
                repo=repo_id,
                by=_account(found["by"]),
                at=_time(found["at"]),
                ref=found["ref"],
                detail=found["detail"],
            )
            for found in answer["incidents"]
        ]

    def permission(self, repo_id: str, account_id: str) -> Permission:
        answer = self._get(f"/api/repos/{repo_id}/permissions/{account_id}")
        return Permission(answer["permission"])

    def perform(self, pull: Pull, effect: Effect) -> str | None:
        place = f"/api/repos/{pull.repo.id}/pulls/{pull.number}"
        match effect:
            case PostComment(key, text):
                return self._made(place, {"text": text, "key": key})
            case PostInline(note):
                body = {"text": note.text, "key": note.key, "path": note.path, "line": note.line}
                return self._made(place, body)
            case EditComment(_, comment, text):
                self._ask("PATCH", f"{place}/comments/{comment}", {"text": text})
            case ResolveInline(_, comment):
                self._ask("PATCH", f"{place}/comments/{comment}", {"resolved": True})
            case SetStatus(head, status):
                body = {"state": status.state, "text": status.text, "url": status.url}
                self._ask("PUT", f"/api/repos/{pull.repo.id}/statuses/{head}", body)
            case SetReview() | PutReport():
                raise Refused("the Git forge has no reviews by the bot and no reports")
            case Decline():
                self._ask("PATCH", place, {"state": "closed"})
        return None

    def _made(self, place: str, body: Mapping[str, Any]) -> str | None:
        answer = self._ask("POST", f"{place}/comments", body)
        return None if answer is None else str(answer["id"])

    def whoami(self, login: str, token: str) -> Account | None:
        answer = self._ask("GET", "/api/user", auth=(login, token), none=(401, 403))
        if answer is None or answer.get("scope") != "person":
            return None
        return _account(answer)

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
        answer = self._send(
            method,
            path,
            body,
            auth=(self.me().login, self.tokens["web"]),
            headers={"On-Behalf-Of": account_id},
        )
        if answer.status_code in (400, 403, 404, 409, 413):
            raise ContributorError(_json(answer).get("error") or "The Git forge refuses this.")
        return self._judged(answer, method, path)

    # --- HTTP -------------------------------------------------------------------------

    def _get(self, path: str) -> Json:
        answer = self._ask("GET", path)
        assert answer is not None  # noqa: S101 - no status was named as none
        return answer

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        auth: tuple[str, str] | None = None,
        none: Sequence[int] = (),
    ) -> Json | None:
        """The answer's JSON; None for a status in `none`."""
        answer = self._send(method, path, body, auth=auth or (BOT, self.tokens["bot"]))
        return None if answer.status_code in none else self._judged(answer, method, path)

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        auth: tuple[str, str],
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        try:
            return self.session.request(
                method,
                self.url + path,
                json=body,
                auth=auth,
                headers=dict(headers or {}),
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            kind = type(error).__name__
            raise TryLater(
                f"the Git forge at {self.url} does not answer ({kind}); is it running?"
            ) from error

    def _judged(self, answer: requests.Response, method: str, path: str) -> Json:
        said = f"{method} {path}: {answer.status_code}"
        if answer.status_code in (401, 403):
            raise OperatorError(
                f"the Git forge refuses the bot: {said}; check the GIT_*_TOKEN settings"
            )
        said = f"the Git forge: {said}"
        if answer.status_code >= 500 or answer.status_code in (409, 429):
            raise TryLater(said)
        if answer.status_code >= 300:
            raise OperatorError(said)
        return _json(answer)

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


def _json(answer: requests.Response) -> Json:
    if answer.status_code == 204:
        return {}
    try:
        found = answer.json()
    except requests.JSONDecodeError as error:
        raise TryLater("the Git forge answered something that is not JSON") from error
    if not isinstance(found, dict):
        raise TryLater("the Git forge answered something that is not an object")
    return found


def _pull(found: Json, repo: Repo, url: str, bot: str) -> Pull:
    source = found["source"]
    replied = {str(one["reply_to"]) for one in found["comments"] if one["reply_to"] is not None}
    return Pull(
        repo=repo,
        number=found["number"],
        title=found["title"],
        description=found["description"],
        draft=found["draft"],
        state=PullState(found["state"]),
        author=_account(found["author"]),
        source=Source(str(source["repo_id"]), source["clone_url"], source["branch"])
        if source
        else None,
        target=found["target"],
        head=found["head"],
        created_at=_time(found["created_at"]),
        url=url,
        fork_url=_signed(found["fork_url"], found["author"]["login"]),
        main_url=_signed(repo.clone_url, found["author"]["login"]),
        pushes=tuple(
            Push(push["head"], _account(push["by"]), _time(push["at"]), push["seq"])
            for push in found["pushes"]
        ),
        targets=tuple(Retarget(move["target"], move["seq"]) for move in found["targets"]),
        comments=tuple(_comment(one, bot, replied) for one in found["comments"]),
        reviews=tuple(
            Review(
                _account(one["by"]),
                one["head"],
                _review(one["state"]),
                _time(one["at"]),
                one["seq"],
            )
            for one in found["reviews"]
        ),
        status=Status(**found["status"]) if found["status"] else None,
    )


def _signed(url: str, login: str) -> str:
    """With the login in it, git asks a credential helper or the person for the token alone."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{login}@{rest}"


def _review(state: str) -> Literal["approved", "changes_requested"]:
    return "approved" if state == "approved" else "changes_requested"


def _comment(found: Json, bot: str, replied: set[str]) -> Comment:
    by = _account(found["by"])
    return Comment(
        id=str(found["id"]),
        by=by,
        text=found["text"],
        at=_time(found["at"]),
        seq=found["seq"],
        edited=found["edited"],
        key=found["key"] if by.id == bot else None,
        seen_head=found["seen_head"],
        path=found["path"],
        line=found["line"],
        resolved=found["resolved"],
        replied=str(found["id"]) in replied,
    )


def _account(found: Json) -> Account:
    return Account(str(found["id"]), found["login"], found.get("name") or "")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
