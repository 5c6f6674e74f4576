"""What `connect` and `doctor` find, and what `connect` wants: values alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from intakebot.flow.calls import HouseCalls
from intakebot.forges.bitbucket_cloud.admin import Hook, Repository, Restriction
from intakebot.forges.bitbucket_cloud.admin_tokens import Identity
from intakebot.forges.bitbucket_cloud.http import Api
from intakebot.model import Account
from intakebot.repo.mirror import Mirror
from intakebot.store.database import Database

FORGE = "bitbucket-cloud"
Purpose = Literal["read", "land", "admin"]
# One change at the forge, as `connections.changes` keeps it: "what" is hook, restriction (with its
# kind and pattern) or proof (with the account), "id" the forge's, "done" whether it was seen
# done, "before" (None where there was nothing) and "after" how it was and is.
Change = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """`fail` stops the gate, `warn` may one day. `cure` is what to do about it."""

    state: Literal["ok", "warn", "fail"]
    about: str
    what: str
    cure: str = ""


@dataclass(frozen=True)
class Desk:
    """What both need from outside; `wiring` builds the real one.

    `apis` has an entry for each token that is set; `land` makes the mirror of a repository with
    the credential that may push, by the repository's id. `masters` are the webhook secrets,
    newest first, `events` what a hook asks for. `end` tells the day that the operator wrote down
    for a token, as written: "" for none, None for what has no end or is not set.
    """

    database: Database
    now: Callable[[], datetime]
    calls: HouseCalls
    apis: Mapping[Purpose, Api]
    land: Callable[[str], Mirror]
    git_url: str
    public_url: str
    masters: tuple[str, ...] = field(repr=False)
    events: frozenset[str]
    end: Callable[[Purpose], str | None]

    @property
    def door(self) -> str:
        """What the addresses of our hooks begin with."""
        return f"{self.public_url}/hooks/{FORGE}/"


@dataclass(frozen=True, slots=True)
class Wish:
    intake: str
    deploy: str

    @property
    def branches(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.intake, self.deploy)))


@dataclass(frozen=True, slots=True)
class Tokens:
    """Whose they are. `bot` is whom the restrictions let through: the landing's account."""

    known: Mapping[Purpose, Identity]
    checks: tuple[Check, ...]

    @property
    def bot(self) -> Account | None:
        found = (self.known.get("land"), self.known.get("read"))
        return next((one.account for one in found if one and one.account), None)


@dataclass(frozen=True, slots=True)
class Found:
    """One repository as it is now. `levels` are what the bot's accounts may do, by purpose;
    `tips` the branches that are there; `members` how many have a place in the workspace, None
    where nobody told."""

    repo: Repository
    forking_mode: str
    levels: Mapping[Purpose, str]
    hooks: tuple[Hook, ...]
    restrictions: tuple[Restriction, ...]
    tips: Mapping[str, str]
    members: int | None = None


# --- steps ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PutHook:
    """`id` "" makes a new one. `mark` tells this secret from another one without telling it."""

    id: str
    url: str
    mark: str
    why: str


@dataclass(frozen=True, slots=True)
class Restrict:
    """`id` None makes a new one. `seen` is whom it lets through now, and `before` whom it did
    before the first of our changes; both are None where there was none."""

    id: int | None
    kind: str
    pattern: str
    users: tuple[str, ...]
    seen: Mapping[str, Any] | None
    before: Mapping[str, Any] | None
    says: str


@dataclass(frozen=True, slots=True)
class TakeBack:
    """A restriction on a branch that is no longer ours to guard."""

    change: Change
    says: str


@dataclass(frozen=True, slots=True)
class Prove:
    account: Account


Step = PutHook | Restrict | TakeBack | Prove
