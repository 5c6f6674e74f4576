"""What the plug is told from outside: tokens, and which repositories are connected."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal
from urllib.parse import quote

LAG = timedelta(minutes=2)  # that a read may be behind what the product has taken

Purpose = Literal["read", "land"]
TokenKind = Literal["api", "access", "oauth"]


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Token:
    """An Atlassian API token of a user ("api", with their email), a repository, project or
    workspace access token, or an OAuth access token, with the `key` of the consumer that it was
    granted to. `origin` says where it was read from; `forget` is to be called when the product
    does not know it, so that the next one is another."""

    kind: TokenKind
    email: str
    secret: str = field(repr=False)
    origin: str = ""
    key: str = ""
    forget: Callable[[], None] = field(default=_nothing, repr=False, compare=False)

    @property
    def fingerprint(self) -> str:
        """Names this token, or its consumer, without telling it."""
        return _digest(f"{self.kind} {self.email} {self.key or self.secret}")

    @property
    def counted_by(self) -> str:
        """Names whom the product counts calls for, without telling the secret: the user of an
        API token, whichever it is, the consumer, and each access token for itself."""
        told = self.email if self.kind == "api" else self.key or self.secret
        return _digest(f"{self.kind} {told}")

    @property
    def git_user(self) -> str:
        return "x-bitbucket-api-token-auth" if self.kind == "api" else "x-token-auth"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Connection:
    """A main repository that `connect` has set up. Both ids are uuids in braces; `name` is its
    full name as it was then, `intake` and `deploy` are branches."""

    repo_id: str
    workspace_id: str
    name: str
    intake: str
    deploy: str

    @property
    def path(self) -> str:
        return repository_path(self.workspace_id, self.repo_id)


Tokens = Callable[[Purpose], Token]


def repository_path(workspace: str, repository: str) -> str:
    """By uuids, so that a renamed repository or workspace is still found."""
    return f"/repositories/{quote(workspace, safe='')}/{quote(repository, safe='')}"
