"""Main repositories and their forks, as the database has them. making.py makes them."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

from intakebot.gitforge.layout import MAIN, Layout
from intakebot.gitforge.people import Account
from intakebot.gitforge.plumbing import Git, hosted
from intakebot.gitforge.store import ForgeError, setting

LONGEST_BRANCH = 200  # characters
BRANCH_NAMES = (  # the same in words
    f"letters, digits and . _ / + -, at most {LONGEST_BRANCH} of them and first a letter or a"
    " digit, never HEAD"
)
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]*")


class Repo(NamedTuple):
    """`main_id` is its own id for a main repository, its parent's for a fork."""

    id: int
    name: str
    owner: Account | None
    main_id: int
    intake: str
    deploy: str

    @property
    def is_main(self) -> bool:
        return self.owner is None

    @property
    def place(self) -> str:
        """Its path under /git/, without the ending."""
        return f"{self.owner.login if self.owner else MAIN}/{self.name}"

    def path(self, layout: Layout) -> Path:
        return layout.repository(self.owner.login if self.owner else MAIN, self.name)

    def git(self, layout: Layout) -> Git:
        return hosted(layout, self.path(layout))


_SELECT = (
    "SELECT repo.id, repo.name, owner_id, parent_id, intake, deploy, login, account.name AS full"
    " FROM repo LEFT JOIN account ON account.id = owner_id"
)


def _repo(row: sqlite3.Row | None) -> Repo | None:
    if row is None:
        return None
    owner = None
    if row["owner_id"] is not None:
        owner = Account(row["owner_id"], row["login"], row["full"])
    main_id = row["parent_id"] if owner else row["id"]
    return Repo(row["id"], row["name"], owner, main_id, row["intake"], row["deploy"])


def _one(db: sqlite3.Connection, where: str, *values: Any) -> Repo | None:
    return _repo(db.execute(f"{_SELECT} WHERE {where}", values).fetchone())


def by_id(db: sqlite3.Connection, repo_id: int) -> Repo | None:
    return _one(db, "repo.id = ?", repo_id)


def known(db: sqlite3.Connection, repo_id: int) -> Repo:
    """The repository a row of ours points at; foreign keys keep it there."""
    found = by_id(db, repo_id)
    if found is None:
        raise ForgeError(f"forge.db: repository {repo_id} is missing; restore the last backup")
    return found


def main_by_name(db: sqlite3.Connection, name: str) -> Repo | None:
    return _one(db, "owner_id IS NULL AND repo.name = ?", name)


def fork_of(db: sqlite3.Connection, main: Repo, login: str) -> Repo | None:
    return _one(db, "parent_id = ? AND login = ?", main.id, login)


def forks_of(db: sqlite3.Connection, main: Repo) -> list[Repo]:
    rows = db.execute(f"{_SELECT} WHERE parent_id = ? ORDER BY repo.id", (main.id,))
    return [repo for row in rows if (repo := _repo(row))]


def mains(db: sqlite3.Connection) -> list[Repo]:
    rows = db.execute(f"{_SELECT} WHERE owner_id IS NULL ORDER BY repo.id")
    return [repo for row in rows if (repo := _repo(row))]


def valid_branch(name: str) -> bool:
    """What pushers may call a branch or a tag; git has its own say on top."""
    fits = len(name) <= LONGEST_BRANCH and _BRANCH.fullmatch(name) is not None
    return fits and name != "HEAD"


def clone_url(db: sqlite3.Connection, place: str, login: str = "") -> str:
    """With a login inside, git asks for the token alone."""
    base = setting(db, "git_url")
    if login:
        scheme, _, rest = base.partition("://")
        base = f"{scheme}://{login}@{rest}"
    return f"{base}/git/{place}.git"
