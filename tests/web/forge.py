"""A forge for the web's tests: it keeps pull requests and comments, and can be down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from intakebot.forges.api import Ability, PullsSince
from intakebot.model import (
    Account,
    Build,
    Comment,
    ContributorError,
    Effect,
    Incident,
    Permission,
    Pull,
    Repo,
    TryLater,
    Wording,
)
from intakebot.repo.git import Credential

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BOT = Account("1", "intakebot", "intakebot")
GRACE = Account("2", "grace", "Grace")  # a maintainer
ADA = Account("3", "ada", "Ada")  # of an agency
EVE = Account("4", "eve", "Eve")  # on no roster
SITE = Repo("git", "1", "site", "http://127.0.0.1:9/git/main/site.git", "main", "deploy")
TOKENS = {"grace": "grace-token", "ada": "ada-token", "eve": "eve-token"}
PEOPLE = {account.login: account for account in (GRACE, ADA, EVE)}


class FakeForge:
    """Keeps pull requests and comments; `down` makes every question fail as a cut line does."""

    name = "git"
    abilities: frozenset[Ability] = frozenset()
    lag = timedelta(0)

    def __init__(self, repo: Repo) -> None:
        self.repo = repo
        self.down = False
        self.found: dict[int, Pull] = {}
        self.said: list[tuple[int, str, str, str]] = []

    def survey_every(self) -> timedelta:
        return timedelta(seconds=30)

    def remark(self, repo_id: str, commit: str, text: str) -> None:
        self._answer()

    def builds(self, repo_id: str, commit: str) -> Sequence[Build]:
        self._answer()
        return []

    def credential(self, repo: Repo, purpose: Literal["read", "land"]) -> Credential:
        raise AssertionError("the pages push and fetch nothing")

    def me(self) -> Account:
        self._answer()
        return BOT

    def repos(self) -> Sequence[Repo]:
        self._answer()
        return [self.repo]

    def pull(self, repo_id: str, number: int) -> Pull | None:
        self._answer()
        return self.found.get(number) if repo_id == self.repo.id else None

    def pulls_since(self, repo_id: str, cursor: str) -> PullsSince:
        self._answer()
        return PullsSince(tuple(self.found), cursor)

    def tips(self, repo_id: str, branches: Sequence[str]) -> None:
        return None

    def newest(self, repo_id: str) -> int:
        self._answer()
        return max(self.found, default=0)

    def spare(self, repo_id: str) -> None:
        self._answer()

    def incidents_since(self, repo_id: str, cursor: str) -> Sequence[Incident]:
        self._answer()
        return []

    def permission(self, repo_id: str, account_id: str) -> Permission:
        self._answer()
        return Permission.WRITE if account_id == GRACE.id else Permission.READ

    def perform(self, pull: Pull, effect: Effect) -> None:
        self._answer()

    def whoami(self, login: str, token: str) -> Account | None:
        self._answer()
        return PEOPLE[login] if TOKENS.get(login) == token else None

    def say(self, repo_id: str, number: int, account_id: str, text: str, seen_head: str) -> str:
        self._answer()
        if len(text) > 1_000:
            raise ContributorError("The Git forge does not take this comment from you.")
        by = next(one for one in PEOPLE.values() if one.id == account_id)
        self.said.append((number, by.login, text, seen_head))
        return self.comment(number, by, text).id

    def reword(self, repo_id: str, number: int, account_id: str, wording: Wording) -> None:
        self._answer()
        pull = self.found[number]
        if account_id not in (GRACE.id, pull.author.id):
            raise ContributorError("Only its author may change this.")
        self.found[number] = replace(pull, **asdict(wording))

    def comment(self, number: int, by: Account, text: str, key: str | None = None) -> Comment:
        pull = self.found[number]
        seq = len(pull.comments) + 1
        made = Comment(f"c{seq}", by, text, NOW, seq, key=key)
        self.found[number] = replace(pull, comments=(*pull.comments, made))
        return made

    def _answer(self) -> None:
        if self.down:
            raise TryLater("the forge does not answer")
