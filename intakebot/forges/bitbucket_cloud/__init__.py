"""Bitbucket Cloud's REST API 2.0, with the shape of `forges.api.Forge`; one verb a module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from intakebot.forges.api import Ability, PullsSince
from intakebot.forges.bitbucket_cloud import effects, listing, people, speak
from intakebot.forges.bitbucket_cloud.allowance import PAST_LEAVES, Ledger
from intakebot.forges.bitbucket_cloud.effects import Effects
from intakebot.forges.bitbucket_cloud.heads import SeenHeads, Tips
from intakebot.forges.bitbucket_cloud.http import Api
from intakebot.forges.bitbucket_cloud.pace import Pace
from intakebot.forges.bitbucket_cloud.places import Forks
from intakebot.forges.bitbucket_cloud.posted import Posted
from intakebot.forges.bitbucket_cloud.read import Reader
from intakebot.forges.bitbucket_cloud.statuses import Statuses
from intakebot.forges.bitbucket_cloud.words import (
    LAG,
    Connection,
    Token,
    Tokens,
    repository_path,
)
from intakebot.model import (
    Account,
    Build,
    Effect,
    Incident,
    OperatorError,
    Permission,
    Pull,
    Repo,
    Wording,
)
from intakebot.repo.git import Credential

__all__ = ["BitbucketCloud", "Connection", "Token"]


class BitbucketCloud:
    """`api_url` ends in /2.0; git is served below `git_url`, which is also where people look.

    `tokens` and `connected` are asked anew each time; `tips` reads a branch's tip by git, which
    has an allowance of its own. `survey_every` is an operator's own pace; `calls` counts with the
    house's other processes.
    """

    name = "bitbucket-cloud"
    abilities = frozenset({Ability.REVIEW, Ability.REPORT, Ability.CONNECT, Ability.PAST_US})
    lag = LAG

    def __init__(
        self,
        api_url: str,
        git_url: str,
        tokens: Tokens,
        connected: Callable[[], Sequence[Connection]],
        now: Callable[[], datetime],
        tips: Tips,
        survey_every: timedelta | None = None,
        calls: Ledger | None = None,
    ) -> None:
        self.api = Api(api_url, tokens, now, calls=calls)
        self.git_url = git_url.rstrip("/")
        self.tokens = tokens
        self.connected = connected
        self.me = people.Me(self.api)
        self.statuses = Statuses(self.api)
        self.posted = Posted(self.api, now)
        self.pace = Pace(self.api, connected, survey_every)
        self.names: dict[str, str] = {}  # the newest full name of each repository
        self.reader = Reader(
            api=self.api,
            git_url=self.git_url,
            tips=tips,
            now=now,
            me=self.me,
            describe=self._renamed,
            seen=SeenHeads(),
            statuses=self.statuses,
            forks=Forks(self.api, self.git_url, now),
        )

    def survey_every(self) -> timedelta:
        return self.pace.every()

    def remark(self, repo_id: str, commit: str, text: str) -> None:
        effects.remark(self.api, self._connection(repo_id).path, commit, text, self.me().id)

    def builds(self, repo_id: str, commit: str) -> Sequence[Build]:
        return self.statuses.others(self._connection(repo_id).path, commit)

    def credential(self, repo: Repo, purpose: Literal["read", "land"]) -> Credential:
        token = self.tokens(purpose)
        return Credential(self.git_url, token.git_user, token.secret)

    def repos(self) -> Sequence[Repo]:
        return [
            self._describe(one, self.names.get(one.repo_id, one.name)) for one in self.connected()
        ]

    def pull(self, repo_id: str, number: int) -> Pull | None:
        return self.reader.pull(self._connection(repo_id), number)

    def pulls_since(self, repo_id: str, cursor: str) -> PullsSince:
        since = listing.pulls_since(self.api, self._connection(repo_id).path, cursor)
        self.pace.note(repo_id, listing.listed(since.cursor))
        return since

    def tips(self, repo_id: str, branches: Sequence[str]) -> None:
        """Git costs none of the hour's calls."""

    def newest(self, repo_id: str) -> int:
        return listing.newest(self.api, self._connection(repo_id).path)

    def spare(self, repo_id: str) -> None:
        self.api.allowance.check(self.tokens("read"), PAST_LEAVES)

    def incidents_since(self, repo_id: str, cursor: str) -> Sequence[Incident]:
        return ()

    def permission(self, repo_id: str, account_id: str) -> Permission:
        return people.permission(self.api, self._connection(repo_id), account_id)

    def perform(self, pull: Pull, effect: Effect) -> str | None:
        main = self._connection(pull.repo.id).path
        path = f"{main}/pullrequests/{pull.number}"
        places = [main, *self._fork(pull)]
        return Effects(self.api, self.statuses, self.posted, pull, path, places).perform(effect)

    def whoami(self, login: str, token: str) -> Account | None:
        return people.whoami(self.api, self.me, login, token)

    def say(self, repo_id: str, number: int, account_id: str, text: str, seen_head: str) -> str:
        speak.only_there(self._page(repo_id, number))

    def reword(self, repo_id: str, number: int, account_id: str, wording: Wording) -> None:
        speak.only_there(self._page(repo_id, number))

    def left(self) -> int:
        """REST calls that are left of this hour, as far as is known here."""
        return self.api.left()

    def _connection(self, repo_id: str) -> Connection:
        for one in self.connected():
            if one.repo_id == repo_id:
                return one
        raise OperatorError(
            f"the Bitbucket Cloud repository {repo_id} is not connected; "
            "run: intakebot connect bitbucket-cloud WORKSPACE/REPO"
        )

    def _renamed(self, connection: Connection, full_name: str) -> Repo:
        """As it is called now; its old address would only redirect, and git here follows none."""
        self.names[connection.repo_id] = full_name
        return self._describe(connection, full_name)

    def _describe(self, connection: Connection, full_name: str) -> Repo:
        return Repo(
            forge=self.name,
            id=connection.repo_id,
            name=full_name,
            clone_url=f"{self.git_url}/{full_name}.git",
            intake=connection.intake,
            deploy=connection.deploy,
        )

    def _fork(self, pull: Pull) -> list[str]:
        if pull.source is None or pull.source.repo_id == pull.repo.id:
            return []
        workspace = pull.source.clone_url.removeprefix(f"{self.git_url}/").partition("/")[0]
        return [repository_path(workspace, pull.source.repo_id)]

    def _page(self, repo_id: str, number: int) -> str:
        name = self.names.get(repo_id, self._connection(repo_id).name)
        return f"{self.git_url}/{name}/pull-requests/{number}"
