"""Taking somebody's name away from this forge. What they did stays, and so do their commits."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable

from intakebot.gitforge.layout import Layout
from intakebot.gitforge.people import BOT, Account
from intakebot.gitforge.store import ForgeError

_PROSE = {
    "pull": ("title", "description"),
    "comment": ("text",),
    "incident": ("detail",),
    "delivery": ("body", "problem"),
}


def stand_in(account: Account) -> str:
    """The same each time, so that what was interrupted can be finished."""
    return f"erased-{account.id}"


def forget(
    db: sqlite3.Connection, layout: Layout, account: Account, instead: Callable[[str], str]
) -> None:
    """Inside `writing`. `instead` takes their names out of a text.

    Their forks move with the login, as the last step: a folder that has moved already is one
    that an interrupted try has moved.
    """
    if account.login == BOT:
        raise ForgeError(f"{BOT} is this program, not a person")
    for table, columns in _PROSE.items():
        _rewrite(db, table, columns, instead)
    db.execute("DELETE FROM token WHERE account_id = ?", (account.id,))
    db.execute("DELETE FROM permission WHERE account_id = ?", (account.id,))
    made = stand_in(account)
    db.execute("UPDATE account SET login = ?, name = ? WHERE id = ?", (made, made, account.id))
    forks, moved = layout.root / account.login, layout.root / made
    if forks.exists() and not moved.exists():
        os.rename(forks, moved)


def _rewrite(
    db: sqlite3.Connection, table: str, columns: tuple[str, ...], instead: Callable[[str], str]
) -> None:
    every = f"SELECT id, {', '.join(columns)} FROM {table}"  # noqa: S608 - names from _PROSE
    for row in db.execute(every).fetchall():
        for column in columns:
            said = instead(row[column])
            if said != row[column]:
                set_it = f"UPDATE {table} SET {column} = ? WHERE id = ?"  # noqa: S608 - the same
                db.execute(set_it, (said, row["id"]))
