"""Refused pushes, kept for the record."""

from __future__ import annotations

import sqlite3
from typing import Any

from intakebot.gitforge import outbox, people
from intakebot.gitforge.people import Account
from intakebot.gitforge.repositories import Repo
from intakebot.gitforge.store import new_row, now

PAGE = 100


def record(
    db: sqlite3.Connection, main: Repo, by: Account, kind: str, ref: str, detail: str
) -> int:
    made = db.execute(
        "INSERT INTO incident (repo_id, kind, account_id, at, ref, detail)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (main.id, kind, by.id, now(), ref, detail),
    )
    outbox.announce(db, "incident", main, by, ref=ref)
    return new_row(made)


def after(db: sqlite3.Connection, main: Repo, incident_id: int) -> list[dict[str, Any]]:
    rows = db.execute(
        "SELECT id, kind, account_id, at, ref, detail FROM incident"
        " WHERE repo_id = ? AND id > ? ORDER BY id LIMIT ?",
        (main.id, incident_id, PAGE),
    )
    return [
        {
            "id": str(row["id"]),
            "kind": row["kind"],
            "by": people.known(db, row["account_id"]).shape(),
            "at": row["at"],
            "ref": row["ref"],
            "detail": row["detail"],
        }
        for row in rows
    ]
