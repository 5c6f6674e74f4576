"""What the house asks of any forge. One suite holds each of them to it: tests/forges/contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal, Protocol

from intakebot.model import Account, Build, Effect, Incident, Permission, Pull, Repo, Wording
from intakebot.repo.git import Credential


class Ability(StrEnum):
    """What not every forge can show."""

    REVIEW = "review"  # the bot's own approval or request for changes
    REPORT = "report"  # findings beside the diff, apart from comments
    CONNECT = "connect"  # only repositories that `connect` set up are looked after
    PAST_US = "past-us"  # people can get commits into a protected branch without us


class Refused(Exception):
    """The forge takes this one effect from nobody here, now or later; its text says why."""


@dataclass(frozen=True, slots=True)
class PullsSince:
    """Numbers of pull requests that changed, and what to pass next time."""

    numbers: tuple[int, ...]
    cursor: str


class SignIn(Protocol):
    """Signing in at the forge's own pages, in a browser.

    Raises TryLater when the forge can't answer now, OperatorError when it refuses us.
    """

    title: str  # as people call the forge

    def leave(self, state: str, back: str) -> str:
        """Where to send the browser; it comes back to `back` with this `state` and a code."""

    def account(self, code: str, back: str) -> Account | None:
        """Who came back with this code; None when it proves nobody, or nobody who may sign in."""


class Forge(Protocol):
    """Raises TryLater when the forge can't answer now, OperatorError when it refuses the bot."""

    name: str
    abilities: frozenset[Ability]
    lag: timedelta  # that a read may be behind what the forge has taken

    def survey_every(self) -> timedelta:
        """How long a survey of one repository should keep from the next, as limits are now."""

    def remark(self, repo_id: str, commit: str, text: str) -> None:
        """Say something beside a commit of the main repository; what stands there already is not
        said again. Raises Refused where none can."""

    def builds(self, repo_id: str, commit: str) -> Sequence[Build]:
        """What others say beside a commit of the main repository; the bot's own left out."""

    def credential(self, repo: Repo, purpose: Literal["read", "land"]) -> Credential:
        """What git shows to the forge; the one for "land" is used by whatever pushes: the
        landing, and the branches that external checks are tried on."""

    def me(self) -> Account:
        """The bot's own account."""

    def repos(self) -> Sequence[Repo]:
        """Every main repository the bot may read."""

    def pull(self, repo_id: str, number: int) -> Pull | None:
        """One pull request, whole; None when there is none of that number."""

    def pulls_since(self, repo_id: str, cursor: str) -> PullsSince:
        """Pull requests that changed after `cursor`; "", or a cursor of another forge's, asks
        for all, of which closed ones may be missing."""

    def tips(self, repo_id: str, branches: Sequence[str]) -> Mapping[str, str] | None:
        """Branch -> commit, missing ones left out, where that is asked for more cheaply than by
        git and is as new; None where git is to be asked."""

    def newest(self, repo_id: str) -> int:
        """The number of the newest pull request, whatever became of it; 0 when there is none."""

    def spare(self, repo_id: str) -> None:
        """Raises TryLater when what is left of the forge's limits is for work that can't wait."""

    def incidents_since(self, repo_id: str, cursor: str) -> Sequence[Incident]: ...

    def permission(self, repo_id: str, account_id: str) -> Permission:
        """What this account may do now; NONE for one that nobody has.

        Raises TryLater when that can't be looked up, so that it is not granted.
        """

    def perform(self, pull: Pull, effect: Effect) -> str | None:
        """Do one effect; the id of the comment it made, if any. Doing it twice is seen once.

        Raises Refused when the forge will not take this effect however often it is tried.
        """

    def whoami(self, login: str, token: str) -> Account | None:
        """The account behind a person's own token, or None."""

    def say(self, repo_id: str, number: int, account_id: str, text: str, seen_head: str) -> str:
        """Post a comment for a signed-in person; returns its id. ContributorError if refused."""

    def reword(self, repo_id: str, number: int, account_id: str, wording: Wording) -> None:
        """Change title, description, target and draft for a signed-in person. ContributorError
        if refused."""
