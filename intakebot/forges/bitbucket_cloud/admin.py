"""What only an administrator's token may do: webhooks, branch restrictions, and reading both.

Nothing here belongs to the forge's daily work; `connect`, `disconnect` and `doctor` use it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from intakebot.forges.bitbucket_cloud.admin_tokens import refused
from intakebot.forges.bitbucket_cloud.http import Answer, Api, Json, reason
from intakebot.forges.bitbucket_cloud.shapes import account, part, text
from intakebot.forges.bitbucket_cloud.words import repository_path
from intakebot.model import Account, OperatorError, TryLater

DESCRIPTION = "intakebot"
WITH_PEOPLE = ("push", "restrict_merges")  # the kinds that let somebody through
KINDS = (*WITH_PEOPLE, "force", "delete")
_HELD_BACK = (401, 403)


@dataclass(frozen=True, slots=True)
class Repository:
    """`fork_policy` is allow_forks, no_public_forks or no_forks; `main` is its main branch, ""
    while it is empty."""

    id: str
    workspace_id: str
    workspace: str
    name: str
    private: bool
    fork_policy: str
    main: str
    is_fork: bool = False

    @property
    def path(self) -> str:
        return repository_path(self.workspace_id, self.id)


@dataclass(frozen=True, slots=True)
class Hook:
    id: str
    url: str
    events: frozenset[str]
    active: bool
    has_secret: bool


@dataclass(frozen=True, slots=True)
class Restriction:
    """`pattern` is a glob, or "" for a rule on a type of the branching model. `users` (by id)
    and `groups` (by slug) are let through; only the kinds WITH_PEOPLE have any."""

    id: int
    kind: str
    pattern: str
    branch_type: str
    users: tuple[Account, ...]
    groups: frozenset[str]

    @property
    def user_ids(self) -> frozenset[str]:
        return frozenset(user.id for user in self.users)

    def covers(self, branch: str) -> bool:
        """Whether a glob matches; what a type of the branching model matches is not known."""
        glob = ".*".join(re.escape(piece) for piece in self.pattern.split("*"))
        return bool(self.pattern) and re.fullmatch(glob, branch) is not None


class Admin:
    """`api` shows the token for this purpose. `leave` is the share of the hour's calls that is
    left for others. Raises OperatorError with the cure, or TryLater."""

    def __init__(self, api: Api, purpose: str = "admin", leave: float = 0.0) -> None:
        self.api = api
        self.purpose = purpose
        self.leave = leave
        self._workspaces: dict[str, Answer] = {}  # asked once, as are the next
        self._members: dict[str, int | None] = {}

    # Reading.

    def repository(self, workspace: str, repository: str) -> Repository:
        path = repository_path(workspace, repository)
        answer = self._ask("GET", path, accept=(404,))
        if answer.status == 404:
            raise OperatorError(
                f"there is no repository {workspace}/{repository} at Bitbucket Cloud that the "
                f"{self.purpose} token may see; check the name, and that its account has access"
            )
        return _repository(answer.body)

    def repositories(self, workspace: str, project: str = "") -> list[Repository]:
        """Those that the token's account administers, or is a member of where it is not an
        administrator's. Forks are left out: they are where changes come from."""
        role = "admin" if self.purpose == "admin" else "member"
        path = f"/repositories/{quote(workspace, safe='')}?role={role}&pagelen=100"
        if project:
            path += "&q=" + quote(f"project.key={json.dumps(project)}", safe="")
        found = [_repository(one) for one in self._pages(path)]
        return [one for one in found if not one.is_fork]

    def workspace_id(self, workspace: str) -> str:
        answer = self._workspace(workspace)
        if answer.status != 200:
            raise OperatorError(
                f"there is no workspace {workspace} that the {self.purpose} token may see; check "
                "the name, and that it has the scope read:workspace:bitbucket"
            )
        return text(answer.body, "uuid")

    def forking_mode(self, workspace: str) -> str:
        """allow_forks or internal_only; "" where the token may not see it."""
        return text(self._workspace(workspace).body, "forking_mode")

    def _workspace(self, workspace: str) -> Answer:
        if workspace not in self._workspaces:
            path = f"/workspaces/{quote(workspace, safe='')}"
            answer = self.api.ask("GET", path, accept=(403, 404), leave=self.leave)
            self._workspaces[workspace] = answer
        return self._workspaces[workspace]

    def members(self, workspace: str) -> int | None:
        """How many have a place in it; None where the token may not see it, or nobody counts."""
        if workspace not in self._members:
            path = f"/workspaces/{quote(workspace, safe='')}/members?pagelen=10"
            answer = self.api.ask("GET", path, accept=(403, 404), leave=self.leave)
            size = part(answer.body, "size")
            self._members[workspace] = size if isinstance(size, int) else None
        return self._members[workspace]

    def level(self, repo: Repository, user: str) -> str:
        """admin, write, read or none: the highest that groups and grants give this account."""
        place = quote(repo.workspace_id, safe="")
        query = quote(f'user.uuid="{user}"', safe="")
        path = f"/workspaces/{place}/permissions/repositories/{quote(repo.id, safe='')}?q={query}"
        found = self._pages(path)
        own = {text(one, "permission") for one in found if text(one, "user", "uuid") == user}
        return next((level for level in ("admin", "write", "read") if level in own), "none")

    def hooks(self, repo: Repository) -> list[Hook]:
        return [_hook(one) for one in self._pages(f"{repo.path}/hooks?pagelen=100")]

    def restrictions(self, repo: Repository) -> list[Restriction]:
        path = f"{repo.path}/branch-restrictions?pagelen=100"
        return [_restriction(one) for one in self._pages(path)]

    # Changing.

    def put_hook(
        self, repo: Repository, id: str, url: str, events: Collection[str], secret: str
    ) -> Hook:
        """A new one where `id` is "", else that one, with its secret set anew."""
        body = {
            "type": "webhook_subscription",
            "description": DESCRIPTION,
            "url": url,
            "active": True,
            "secret": secret,
            "events": sorted(events),
        }
        path = f"{repo.path}/hooks"
        if id:
            path += f"/{quote(id, safe='')}"
        return _hook(self._ask("PUT" if id else "POST", path, body).body)

    def delete_hook(self, repo: Repository, id: str) -> None:
        self._ask("DELETE", f"{repo.path}/hooks/{quote(id, safe='')}", accept=(404,))

    def put_restriction(
        self,
        repo: Repository,
        id: int | None,
        kind: str,
        pattern: str,
        users: Collection[str] = (),
        groups: Collection[str] = (),
    ) -> Restriction:
        """A new one where `id` is None, else that one; lets exactly these through."""
        body: dict[str, Any] = {
            "type": "branchrestriction",
            "kind": kind,
            "branch_match_kind": "glob",
            "pattern": pattern,
        }
        if kind in WITH_PEOPLE:
            body["users"] = [{"type": "user", "uuid": one} for one in sorted(users)]
            body["groups"] = [{"type": "group", "slug": one} for one in sorted(groups)]
        path = f"{repo.path}/branch-restrictions"
        method, path = ("POST", path) if id is None else ("PUT", f"{path}/{id}")
        made = _restriction(self._ask(method, path, body).body)
        wanted = (frozenset(users), frozenset(groups))
        if kind in WITH_PEOPLE and (made.user_ids, made.groups) != wanted:
            raise OperatorError(
                f"Bitbucket Cloud took the {kind} restriction on {pattern}, but lets others "
                "through than it was told to; look at Repository settings → Branch restrictions"
            )
        return made

    def delete_restriction(self, repo: Repository, id: int) -> None:
        self._ask("DELETE", f"{repo.path}/branch-restrictions/{id}", accept=(404,))

    def delete_branch(self, repo: Repository, branch: str) -> None:
        path = f"{repo.path}/refs/branches/{quote(branch, safe='')}"
        self._ask("DELETE", path, accept=(404,))

    def _ask(
        self, method: str, path: str, body: object = None, accept: Collection[int] = ()
    ) -> Answer:
        accept = (*accept, *_HELD_BACK, 402)
        answer = self.api.ask(method, path, body, accept=accept, leave=self.leave)
        if answer.status in _HELD_BACK:
            token = self.api.tokens("read")
            raise OperatorError(refused(token, self.purpose, answer, f"{method} {path}"))
        if answer.status == 402:
            raise OperatorError(
                f"the workspace's plan does not have this ({method} {path}: 402 {reason(answer)})"
            )
        return answer

    def _pages(self, path: str) -> list[Json]:
        first = self._ask("GET", path)
        values = [one for one in part(first.body, "values") or () if isinstance(one, Mapping)]
        following = text(first.body, "next")
        return [*values, *self.api.following(following)] if following else values


def _repository(found: object) -> Repository:
    name = text(found, "full_name")
    workspace = part(found, "workspace") or part(found, "owner")
    ids = text(found, "uuid"), text(workspace, "uuid")
    if not name or not all(ids):
        raise TryLater("Bitbucket Cloud named a repository without its name or ids")
    return Repository(
        id=ids[0],
        workspace_id=ids[1],
        workspace=name.partition("/")[0],
        name=name,
        private=bool(part(found, "is_private")),
        fork_policy=text(found, "fork_policy"),
        main=text(found, "mainbranch", "name"),
        is_fork=part(found, "parent") is not None,
    )


def _hook(found: object) -> Hook:
    events = part(found, "events") or ()
    return Hook(
        id=text(found, "uuid"),
        url=text(found, "url"),
        events=frozenset(str(event) for event in events),
        active=bool(part(found, "active")),
        has_secret=bool(part(found, "secret_set")),
    )


def _restriction(found: object) -> Restriction:
    number = part(found, "id")
    if not isinstance(number, int):
        raise TryLater("Bitbucket Cloud named a branch restriction without its id")
    return Restriction(
        id=number,
        kind=text(found, "kind"),
        pattern=text(found, "pattern"),
        branch_type=text(found, "branch_type"),
        users=tuple(account(one) for one in part(found, "users") or ()),
        groups=frozenset(text(one, "slug") for one in part(found, "groups") or ()),
    )
