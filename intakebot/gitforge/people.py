"""Accounts, and what somebody may do with a main repository."""

from __future__ import annotations

import sqlite3
from typing import Literal, NamedTuple

from intakebot.gitforge.layout import valid_login
from intakebot.gitforge.store import ForgeError, new_row

Level = Literal["none", "read", "write"]
BOT = "intakebot"


class Account(NamedTuple):
    id: int
    login: str
    name: str

    def shape(self) -> dict[str, str]:
        return {"id": str(self.id), "login": self.login, "name": self.name}


class Caller(NamedTuple):
    """Who is asking, and with what kind of token."""

    account: Account
    scope: str


def account_from(row: sqlite3.Row) -> Account:
    return Account(int(row["id"]), str(row["login"]), str(row["name"]))


def add(db: sqlite3.Connection, login: str, name: str) -> int:
    if not valid_login(login):
        raise ForgeError(
            f"login {login!r}: small letters, digits, '.', '_' and '-' only, 64 at most,"
            " not ending in .git, and not 'main'; choose another"
        )
    found = by_login(db, login)
    if found:
        return found.id
    return new_row(db.execute("INSERT INTO account (login, name) VALUES (?, ?)", (login, name)))


def by_login(db: sqlite3.Connection, login: str) -> Account | None:
    row = db.execute("SELECT id, login, name FROM account WHERE login = ?", (login,)).fetchone()
    return account_from(row) if row else None


def by_id(db: sqlite3.Connection, account_id: int) -> Account | None:
    row = db.execute("SELECT id, login, name FROM account WHERE id = ?", (account_id,)).fetchone()
    return account_from(row) if row else None


def known(db: sqlite3.Connection, account_id: int) -> Account:
    """The account a row of ours points at; foreign keys keep it there."""
    found = by_id(db, account_id)
    if found is None:
        raise ForgeError(f"forge.db: account {account_id} is missing; restore the last backup")
    return found


def everybody(db: sqlite3.Connection) -> list[Account]:
    rows = db.execute("SELECT id, login, name FROM account ORDER BY id")
    return [account_from(row) for row in rows]


def grant(db: sqlite3.Connection, repo_id: int, login: str, level: str) -> None:
    account = by_login(db, login)
    if account is None:
        raise ForgeError(f"login {login!r}: no such account; add the person first")
    if level not in ("read", "write", "none"):
        raise ForgeError(f"level {level!r}: choose read, write or none")
    db.execute("DELETE FROM permission WHERE repo_id = ? AND account_id = ?", (repo_id, account.id))
    if level != "none":
        db.execute("INSERT INTO permission VALUES (?, ?, ?)", (repo_id, account.id, level))


def granted(db: sqlite3.Connection, main_id: int, account_id: int) -> Level:
    row = db.execute(
        "SELECT level FROM permission WHERE repo_id = ? AND account_id = ?", (main_id, account_id)
    ).fetchone()
    if row is None:
        return "none"
    return "write" if row["level"] == "write" else "read"


def level(db: sqlite3.Connection, caller: Caller, main_id: int) -> Level:
    """The bot's tokens read everything; what more they may do goes by their scope."""
    return granted(db, main_id, caller.account.id) if caller.scope == "person" else "read"
