"""What is said about a pull request: comments, reviews, statuses.

The writing functions run inside `writing`; each makes the pull request count as changed.
"""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

from intakebot.gitforge import outbox, pulls
from intakebot.gitforge.people import Account
from intakebot.gitforge.pulls import Pull
from intakebot.gitforge.repositories import Repo
from intakebot.gitforge.store import new_row, now


class Remark(NamedTuple):
    """A new comment. `line` is 1-based in the new file; `reply_to` a comment's id."""

    text: str
    key: str | None = None
    seen_head: str | None = None
    path: str | None = None
    line: int | None = None
    reply_to: int | None = None


def comments(db: sqlite3.Connection, pull: Pull) -> list[sqlite3.Row]:
    return db.execute(
        "SELECT * FROM comment WHERE pull_id = ? AND deleted = 0 ORDER BY seq", (pull.id,)
    ).fetchall()


def comment(db: sqlite3.Connection, pull: Pull, comment_id: int) -> sqlite3.Row | None:
    found: sqlite3.Row | None = db.execute(
        "SELECT * FROM comment WHERE pull_id = ? AND id = ? AND deleted = 0",
        (pull.id, comment_id),
    ).fetchone()
    return found


def comment_with_key(db: sqlite3.Connection, pull: Pull, key: str) -> sqlite3.Row | None:
    found: sqlite3.Row | None = db.execute(
        "SELECT * FROM comment WHERE pull_id = ? AND key = ? AND deleted = 0", (pull.id, key)
    ).fetchone()
    return found


def post(db: sqlite3.Connection, main: Repo, pull: Pull, by: Account, remark: Remark) -> int:
    seq = pulls.touch(db, pull)
    made = new_row(
        db.execute(
            "INSERT INTO comment (pull_id, account_id, text, at, seq, key, seen_head, path,"
            " line, reply_to) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(pull.id, by.id, remark.text, now(), seq, remark.key, remark.seen_head),
                *(remark.path, remark.line, remark.reply_to),
            ),
        )
    )
    said = (made, remark.text)
    outbox.announce(db, "comment", main, by, number=pull.number, comment=said)
    return made


def amend(
    db: sqlite3.Connection, main: Repo, pull: Pull, by: Account, row: sqlite3.Row, **values: Any
) -> None:
    """`values` by column: text, edited, resolved, deleted. A comment keeps its own `seq`."""
    if not values.keys() <= {"text", "edited", "resolved", "deleted"}:
        raise ValueError(f"not columns to change: {values.keys()}")
    pulls.touch(db, pull)
    assignments = ", ".join(f"{column} = ?" for column in values)
    db.execute(
        f"UPDATE comment SET {assignments} WHERE id = ?",  # noqa: S608 (checked above)
        (*values.values(), row["id"]),
    )
    said = (row["id"], values.get("text", row["text"]))
    outbox.announce(db, "comment", main, by, number=pull.number, comment=said)


def reviews(db: sqlite3.Connection, pull: Pull) -> list[sqlite3.Row]:
    return db.execute("SELECT * FROM review WHERE pull_id = ? ORDER BY seq", (pull.id,)).fetchall()


def review_by(db: sqlite3.Connection, pull: Pull, by: Account) -> sqlite3.Row | None:
    found: sqlite3.Row | None = db.execute(
        "SELECT * FROM review WHERE pull_id = ? AND account_id = ?", (pull.id, by.id)
    ).fetchone()
    return found


def review(
    db: sqlite3.Connection, main: Repo, pull: Pull, by: Account, head: str, state: str
) -> None:
    """The standing review of that person: an earlier one is replaced."""
    seq = pulls.touch(db, pull)
    db.execute(
        "INSERT OR REPLACE INTO review (pull_id, account_id, head, state, at, seq)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (pull.id, by.id, head, state, now(), seq),
    )
    outbox.announce(db, "review", main, by, number=pull.number, sha=head)


def withdraw_review(db: sqlite3.Connection, main: Repo, pull: Pull, by: Account) -> None:
    """Nothing happens, and nothing is announced, when there is none."""
    gone = db.execute(
        "DELETE FROM review WHERE pull_id = ? AND account_id = ?", (pull.id, by.id)
    ).rowcount
    if gone:
        pulls.touch(db, pull)
        outbox.announce(db, "review", main, by, number=pull.number, sha=pull.head)


def status(db: sqlite3.Connection, main: Repo, sha: str) -> sqlite3.Row | None:
    found: sqlite3.Row | None = db.execute(
        "SELECT state, text, url FROM status WHERE repo_id = ? AND sha = ?", (main.id, sha)
    ).fetchone()
    return found


def builds(db: sqlite3.Connection, main: Repo, sha: str) -> list[sqlite3.Row]:
    return db.execute(
        "SELECT name, state, text, url FROM build WHERE repo_id = ? AND sha = ? ORDER BY name",
        (main.id, sha),
    ).fetchall()


def set_build(db: sqlite3.Connection, main: Repo, sha: str, values: dict[str, str]) -> None:
    db.execute(
        "INSERT OR REPLACE INTO build (repo_id, sha, name, state, text, url)"
        " VALUES (:repo, :sha, :name, :state, :text, :url)",
        {"repo": main.id, "sha": sha, **values},
    )


def set_status(
    db: sqlite3.Connection, main: Repo, by: Account, sha: str, values: dict[str, str]
) -> None:
    db.execute(
        "INSERT OR REPLACE INTO status (repo_id, sha, state, text, url)"
        " VALUES (:repo, :sha, :state, :text, :url)",
        {"repo": main.id, "sha": sha, **values},
    )
    for pull in pulls.with_head(db, main, sha):
        pulls.touch(db, pull)
    outbox.announce(db, "status", main, by, sha=sha)
