"""All that the fake remembers. Plain data: a copy of it is the product as it was a while ago.

Every access is made under the one lock of `site.Site`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from intakebot.world.bitbucket_cloud.pull_state import Pull, Remark
from intakebot.world.bitbucket_cloud.refusal import Refusal

LEVELS = ("none", "read", "write", "admin")
_NAMESPACE = uuid.UUID("5c0f2a52-2f3f-4e53-9d9c-3d2b4f7c7d11")


@dataclass(slots=True)
class User:
    """`kind` is "user", or "app_user" for the account that stands behind an access token."""

    uuid: str
    account_id: str
    nickname: str
    display_name: str
    created_on: datetime
    email: str = ""
    kind: str = "user"


@dataclass(slots=True)
class Group:
    slug: str
    name: str
    members: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Project:
    uuid: str
    key: str
    name: str
    created_on: datetime


@dataclass(slots=True)
class Workspace:
    """`members` maps a user's uuid to owner, collaborator or member. `plan` bounds features."""

    uuid: str
    slug: str
    name: str
    created_on: datetime
    plan: str = "free"  # free, standard, premium
    forking_mode: str = "allow_forks"  # or internal_only
    members: dict[str, str] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    hooks: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Restriction:
    """`users` holds uuids, `groups` slugs: those whom the rule lets through."""

    id: int
    kind: str
    branch_match_kind: str
    pattern: str
    branch_type: str = ""
    value: int | None = None
    users: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Hook:
    uuid: str
    url: str
    description: str
    events: list[str]
    created_at: datetime
    active: bool = True
    secret: str = ""
    subject: str = ""  # uuid of the repository or workspace


@dataclass(slots=True)
class Status:
    commit: str
    key: str
    state: str
    created_on: datetime
    updated_on: datetime
    url: str = ""
    name: str = ""
    description: str = ""
    refname: str | None = None


@dataclass(slots=True)
class Report:
    uuid: str
    external_id: str
    fields: dict[str, object]
    created_on: datetime
    updated_on: datetime
    annotations: dict[str, dict[str, object]] = field(default_factory=dict)


@dataclass(slots=True)
class Repository:
    """`refs` is what git had when the fake last looked; `grants` and `groups` give levels."""

    uuid: str
    workspace: str
    slug: str
    name: str
    created_on: datetime
    updated_on: datetime
    project: str = ""
    is_private: bool = True
    fork_policy: str = "allow_forks"
    mainbranch: str = "main"
    parent: str | None = None
    description: str = ""
    default_merge_strategy: str = "merge_commit"
    refs: dict[str, str] = field(default_factory=dict)
    grants: dict[str, str] = field(default_factory=dict)
    group_grants: dict[str, str] = field(default_factory=dict)
    default_reviewers: list[str] = field(default_factory=list)
    restrictions: dict[int, Restriction] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)
    statuses: dict[tuple[str, str], Status] = field(default_factory=dict)
    reports: dict[tuple[str, str], Report] = field(default_factory=dict)
    commit_comments: dict[int, Remark] = field(default_factory=dict)
    hooks: list[str] = field(default_factory=list)
    next_pull: int = 1


@dataclass(slots=True)
class Token:
    """Proves `user`. `repository` is set for a repository access token, which reaches no other.

    `kind` is api, access, oauth (which ends at `until`), or app-password (which the product
    answers with 401 since 2026-06-09).
    """

    secret: str
    kind: str
    user: str
    scopes: frozenset[str]
    repository: str | None = None
    revoked: bool = False
    until: datetime | None = None


@dataclass(slots=True)
class Consumer:
    """An OAuth consumer; its tokens prove `user`, who made it."""

    key: str
    secret: str
    user: str
    scopes: frozenset[str]
    private: bool = True
    callback: str = "https://example.org/"


@dataclass(slots=True)
class Code:
    """What a browser brings back to a consumer's callback; good for one token, for a while."""

    consumer: str
    user: str
    redirect_uri: str
    until: datetime


@dataclass(slots=True)
class Task:
    """A merge that goes on after a 202; `polls` more asks answer PENDING."""

    id: str
    repository: str
    pull: int
    polls: int
    user: str = ""
    asked: dict[str, object] = field(default_factory=dict)
    done: bool = False
    status: int = 200
    message: str = ""


@dataclass(slots=True)
class State:
    users: dict[str, User] = field(default_factory=dict)
    workspaces: dict[str, Workspace] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    consumers: dict[str, Consumer] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    hooks: dict[str, Hook] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    counter: int = 0

    def number(self) -> int:
        self.counter += 1
        return self.counter

    def new_uuid(self) -> str:
        """In the product's braces; the same in every run that does the same."""
        return "{" + str(uuid.uuid5(_NAMESPACE, str(self.number()))) + "}"

    def user(self, name: str) -> User:
        """By uuid, account id or (for tests) nickname."""
        if name in self.users:
            return self.users[name]
        for one in self.users.values():
            if name in (one.account_id, one.nickname):
                return one
        raise Refusal(404, f"No such user: {name}")

    def workspace(self, name: str) -> Workspace:
        """By uuid or slug."""
        for one in self.workspaces.values():
            if name in (one.uuid, one.slug):
                return one
        raise Refusal(404, f"No workspace with identifier '{name}'.")

    def repository(self, workspace: str, name: str) -> Repository:
        """By uuid or slug; with a uuid the product minds not the workspace."""
        if name in self.repositories:
            return self.repositories[name]
        place = self.workspace(workspace).uuid
        for one in self.repositories.values():
            if (one.workspace, one.slug) == (place, name):
                return one
        raise Refusal(404, f"Repository {workspace}/{name} not found")

    def full_name(self, repository: Repository) -> str:
        return f"{self.workspaces[repository.workspace].slug}/{repository.slug}"

    def at(self, full_name: str) -> Repository:
        workspace, _, slug = full_name.partition("/")
        return self.repository(workspace, slug)
