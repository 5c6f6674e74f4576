"""Pull requests as rows. Every change here takes a new `seq` and announces itself.

Git is asked before the transaction, never inside: callers bring what it said.
"""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

from intakebot.gitforge import outbox
from intakebot.gitforge.people import Account
from intakebot.gitforge.repositories import Repo
from intakebot.gitforge.store import new_row, next_seq, now

PAGE = 100


class Pull(NamedTuple):
    """`repo_id` is the main repository it wants into, `source_id` where its commits are."""

    id: int
    repo_id: int
    number: int
    title: str
    description: str
    draft: bool
    state: str
    author_id: int
    source_id: int
    branch: str
    target: str
    head: str
    merged_as: str | None
    created_at: str
    seq: int


class Opening(NamedTuple):
    """What a new pull request starts with."""

    source: Repo
    branch: str
    target: str
    head: str
    title: str
    description: str
    draft: bool


def _pull(row: sqlite3.Row | None) -> Pull | None:
    if row is None:
        return None
    return Pull(**{**dict(row), "draft": bool(row["draft"])})


def by_number(db: sqlite3.Connection, main: Repo, number: int) -> Pull | None:
    return _pull(
        db.execute(
            "SELECT * FROM pull WHERE repo_id = ? AND number = ?", (main.id, number)
        ).fetchone()
    )


def open_from(db: sqlite3.Connection, source: Repo, branch: str) -> Pull | None:
    return _pull(
        db.execute(
            "SELECT * FROM pull WHERE source_id = ? AND branch = ? AND state = 'open'",
            (source.id, branch),
        ).fetchone()
    )


def pushed_once(db: sqlite3.Connection, pull: Pull) -> bool:
    """Whether the push that opened it is the only one so far."""
    count = db.execute("SELECT count(*) FROM push WHERE pull_id = ?", (pull.id,)).fetchone()[0]
    return bool(count == 1)


def open_towards(db: sqlite3.Connection, main: Repo, target: str) -> list[Pull]:
    rows = db.execute(
        "SELECT * FROM pull WHERE repo_id = ? AND target = ? AND state = 'open' ORDER BY number",
        (main.id, target),
    )
    return [pull for row in rows if (pull := _pull(row))]


def with_head(db: sqlite3.Connection, main: Repo, head: str) -> list[Pull]:
    rows = db.execute("SELECT * FROM pull WHERE repo_id = ? AND head = ?", (main.id, head))
    return [pull for row in rows.fetchall() if (pull := _pull(row))]


def changed_after(db: sqlite3.Connection, main: Repo, state: str, seq: int) -> list[Pull]:
    rows = db.execute(
        "SELECT * FROM pull WHERE repo_id = ? AND seq > ? AND (? = 'all' OR state = ?)"
        " ORDER BY seq LIMIT ?",
        (main.id, seq, state, state, PAGE),
    )
    return [pull for row in rows if (pull := _pull(row))]


def start(db: sqlite3.Connection, main: Repo, author: Account, wish: Opening) -> int:
    """Answers the new number."""
    counted = db.execute(
        "UPDATE repo SET pulls = pulls + 1 WHERE id = ? RETURNING pulls", (main.id,)
    ).fetchone()
    number = int(counted["pulls"])
    moment, seq = now(), next_seq(db)
    pull_id = new_row(
        db.execute(
            "INSERT INTO pull (repo_id, number, title, description, draft, state, author_id,"
            " source_id, branch, target, head, created_at, seq)"
            " VALUES (?, ?, ?, ?, ?, 'open', ?, ?, ?, ?, ?, ?, ?)",
            (
                *(main.id, number, wish.title, wish.description, wish.draft, author.id),
                *(wish.source.id, wish.branch, wish.target, wish.head, moment, seq),
            ),
        )
    )
    _keep_push(db, pull_id, seq, wish.head, author, moment)
    _keep_target(db, pull_id, seq, wish.target)
    outbox.announce(db, "pull", main, author, number=number, sha=wish.head)
    return number


def move(db: sqlite3.Connection, main: Repo, pull: Pull, head: str, by: Account) -> None:
    seq = next_seq(db)
    _keep_push(db, pull.id, seq, head, by, now())
    db.execute("UPDATE pull SET head = ?, seq = ? WHERE id = ?", (head, seq, pull.id))
    outbox.announce(db, "pull", main, by, number=pull.number, sha=head)


def change(
    db: sqlite3.Connection, main: Repo, pull: Pull, by: Account, values: dict[str, Any]
) -> None:
    """`values` by column: title, description, draft, state, target, merged_as."""
    allowed = {"title", "description", "draft", "state", "target", "merged_as"}
    if not values.keys() <= allowed:
        raise ValueError(f"not columns to change: {values.keys() - allowed}")
    seq = next_seq(db)
    if values.get("target", pull.target) != pull.target:
        _keep_target(db, pull.id, seq, values["target"])
    assignments = ", ".join(f"{column} = ?" for column in values)
    db.execute(
        f"UPDATE pull SET {assignments}, seq = ? WHERE id = ?",  # noqa: S608 (allowed above)
        (*values.values(), seq, pull.id),
    )
    outbox.announce(db, "pull", main, by, number=pull.number, sha=pull.head)


def touch(db: sqlite3.Connection, pull: Pull) -> int:
    """Something was said about it: it counts as changed. Answers the `seq` to use."""
    seq = next_seq(db)
    db.execute("UPDATE pull SET seq = ? WHERE id = ?", (seq, pull.id))
    return seq


def pushes(db: sqlite3.Connection, pull: Pull) -> list[sqlite3.Row]:
    return db.execute("SELECT * FROM push WHERE pull_id = ? ORDER BY seq", (pull.id,)).fetchall()


def targets(db: sqlite3.Connection, pull: Pull) -> list[sqlite3.Row]:
    return db.execute(
        "SELECT * FROM retarget WHERE pull_id = ? ORDER BY seq", (pull.id,)
    ).fetchall()


def _keep_target(db: sqlite3.Connection, pull_id: int, seq: int, target: str) -> None:
    db.execute(
        "INSERT INTO retarget (seq, pull_id, target) VALUES (?, ?, ?)", (seq, pull_id, target)
    )


def _keep_push(
    db: sqlite3.Connection, pull_id: int, seq: int, head: str, by: Account, at: str
) -> None:
    db.execute(
        "INSERT INTO push (seq, pull_id, head, account_id, at) VALUES (?, ?, ?, ?, ?)",
        (seq, pull_id, head, by.id, at),
    )
