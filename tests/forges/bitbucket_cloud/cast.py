"""One repository at a fake Bitbucket Cloud, three people, the bot, and the plug under test."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import requests

from intakebot.forges.bitbucket_cloud import BitbucketCloud, Connection, Token
from intakebot.forges.bitbucket_cloud.words import Purpose, Tokens
from intakebot.model import Pull, SetStatus, Status
from intakebot.repo.git import Credential
from intakebot.repo.mirror import Mirror
from intakebot.world import bitbucket_cloud as fake
from intakebot.world.bitbucket_cloud import Member, Recorded
from tests.forges.clock import Clock

__all__ = ["MAIN", "PAGE", "Cast", "Clock"]

MAIN = "acme/site"
PAGE = {"index.html": "<p>One</p>\n"}


@dataclass
class Cast:
    """Ada works in a fork, Bob may write to the main repository, the bot administers it."""

    cloud: fake.BitbucketCloud
    folder: Path
    clock: Clock
    tokens: dict[Purpose, Token] = field(default_factory=dict)
    clone: Path = field(default_factory=Path)

    def __post_init__(self) -> None:
        self.cloud.workspace("acme")
        self.cloud.repository(MAIN, PAGE)
        self.ada, self.bob = self.cloud.user("ada"), self.cloud.user("bob")
        self.bot = self.cloud.user("intakebot")
        for who, level in (("ada", "read"), ("bob", "write"), ("intakebot", "admin")):
            self.cloud.grant(who, MAIN, level)
        self.cloud.fork("ada", MAIN, inherit=True)
        self.cloud.grant("ada", "ada/site", "admin")
        main = self.cloud.at(MAIN)
        self.repo_id = main.uuid
        self.connection = Connection(main.uuid, main.workspace, MAIN, "main", "main")
        self.connections = [self.connection]
        token = Token("api", self.bot.email, self.bot.token, "the test")
        self.tokens |= {"read": token, "land": token}
        self.clone = self.ada.clone("ada/site")
        self.forge = self.new_forge()

    def new_forge(self, tokens: Tokens | None = None) -> BitbucketCloud:
        """A plug that has seen nothing, as in another process."""
        return BitbucketCloud(
            api_url=self.cloud.url,
            git_url=self.cloud.git_url,
            tokens=tokens or (lambda purpose: self.tokens[purpose]),
            connected=lambda: self.connections,
            now=self.clock.now,
            tips=self._tip,
        )

    def _tip(self, url: str, branch: str) -> str | None:
        token = self.tokens["read"]
        credential = Credential(self.cloud.git_url, token.git_user, token.secret)
        return Mirror(self.folder / "mirror.git", credential).tips(url, [branch]).get(branch)

    def pull(self, number: int) -> Pull:
        found = self.forge.pull(self.repo_id, number)
        assert found is not None
        return found

    def later(self, minutes: float) -> None:
        self.clock.later(minutes)

    def api_calls(self, by: str = "intakebot") -> list[Recorded]:
        """Calls of the REST API by the bot, oldest first."""
        return [
            one for one in self.cloud.calls if one.by == by and not one.method.startswith("git-")
        ]

    # --- what people do ---------------------------------------------------------------

    def opens(
        self, branch: str = "banner", files: Mapping[str, str] | None = None, **more: Any
    ) -> tuple[int, str]:
        """Ada's pull request from her fork; its number and head."""
        self.ada.must("switch", "--quiet", "main", within=self.clone)
        head = self.ada.propose(self.clone, branch, files or {"banner.html": "<b>Hi</b>\n"}, "Add")
        source = {"repository": {"full_name": "ada/site"}, "branch": {"name": branch}}
        return self._opened(self.ada, source, more), head

    def opens_existing(self, branch: str) -> int:
        """Ada's pull request from a branch that she has pushed."""
        source = {"repository": {"full_name": "ada/site"}, "branch": {"name": branch}}
        return self._opened(self.ada, source, {"title": "Put a page on the site"})

    def opens_from_main(self, branch: str) -> int:
        """Bob's pull request from a branch of the main repository itself."""
        clone = self.bob.clone(MAIN)
        self.bob.propose(clone, branch, {"bob.html": "<b>Bob</b>\n"}, "Add")
        return self._opened(self.bob, {"branch": {"name": branch}}, {})

    def _opened(self, who: Member, source: Mapping[str, Any], more: Mapping[str, Any]) -> int:
        body = {"type": "pullrequest", "title": "A change", "source": source, **more}
        body.setdefault("destination", {"branch": {"name": "main"}})
        return int(self._done(who, "POST", "/pullrequests", body).json()["id"])

    def pushes(self, files: Mapping[str, str]) -> str:
        """One more commit by Ada on the branch she stands on."""
        head = self.ada.commit(self.clone, files, "Go on")
        self.ada.must("push", "--quiet", "origin", "HEAD", within=self.clone)
        return head

    def builds(self, commit: str, name: str, state: str) -> None:
        """As Pipelines, or Jenkins with Bob's token, says it beside a commit."""
        words = {"pending": "INPROGRESS", "success": "SUCCESSFUL", "failure": "FAILED"}
        said = {"name": name, "description": f"{name}: {state}", "url": "http://ci/7"}
        body = {"key": name.upper(), "state": words[state], **said}
        self._done(self.bob, "POST", f"/commit/{commit}/statuses/build", body)

    def branch(self, name: str) -> None:
        self.cloud.move_branch(MAIN, name, self.cloud.tip(MAIN, "main"), by="bob")

    def multiply(self, number: int, count: int) -> None:
        """So many open pull requests like this one, without a push for each."""
        with self.cloud.site.lock:
            main = self.cloud.state.at(MAIN)
            first = max(main.pulls) + 1
            for copy in range(first, first + count - 1):
                main.pulls[copy] = replace(deepcopy(main.pulls[number]), id=copy)

    def another(self, number: int, count: int) -> str:
        """One more connected repository, with so many open pull requests like this one."""
        name = f"acme/site-{len(self.connections)}"
        made = self.cloud.repository(name, PAGE)
        self.cloud.grant("intakebot", name, "admin")
        self.connections.append(Connection(made.uuid, made.workspace, name, "main", "main"))
        with self.cloud.site.lock:
            model = self.cloud.state.at(MAIN).pulls[number]
            made.pulls = {n: replace(deepcopy(model), id=n) for n in range(1, count + 1)}
        return name

    def hook(self, url: str) -> None:
        """A webhook of the repository, for new pull requests."""
        events = ["pullrequest:created"]
        body = {"type": "webhook_subscription", "url": url, "active": True, "events": events}
        self._done(self.bot, "POST", "/hooks", {**body, "description": "x"})

    def lands(self, number: int) -> None:
        """The tested commit is pushed to the target, as the landing does."""
        commit = self.cloud.pull(MAIN, number).source_commit
        self.cloud.move_branch(MAIN, "main", commit, by="intakebot")

    def edits(self, number: int, **fields: Any) -> None:
        body = {"type": "pullrequest", **fields}
        self._done(self.ada, "PUT", f"/pullrequests/{number}", body)

    def says(self, who: Member, number: int, text: str, **more: Any) -> str:
        body = {"type": "pullrequest_comment", "content": {"raw": text}, **more}
        return str(self._done(who, "POST", f"/pullrequests/{number}/comments", body).json()["id"])

    def approves(self, who: Member, number: int) -> None:
        self._done(who, "POST", f"/pullrequests/{number}/approve")

    def unapproves(self, who: Member, number: int) -> None:
        self._done(who, "DELETE", f"/pullrequests/{number}/approve")

    def requests_changes(self, who: Member, number: int) -> None:
        self._done(who, "POST", f"/pullrequests/{number}/request-changes")

    def declines(self, who: Member, number: int) -> None:
        self._done(who, "POST", f"/pullrequests/{number}/decline")

    def reports_status(self, pull: Pull, head: str) -> None:
        self.forge.perform(pull, SetStatus(head, Status("pending", "checking", pull.url)))

    def _done(self, who: Member, method: str, path: str, body: Any = None) -> requests.Response:
        name = self.cloud.state.full_name(self.cloud.state.repositories[self.repo_id])
        answer = who.api(method, f"/repositories/{name}{path}", body)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer
