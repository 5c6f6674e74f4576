"""The forge's database: one SQLite file that the server, the hooks and the sender share."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from intakebot.gitforge.layout import Layout
from intakebot.gitforge.tables import MIGRATIONS

BUSY_SECONDS = 10.0


class ForgeError(Exception):
    """Says what went wrong, where, and the cure."""


def _open(layout: Layout) -> sqlite3.Connection:
    """In autocommit mode: every write is inside `writing`."""
    db = sqlite3.connect(layout.database, timeout=BUSY_SECONDS, isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    return db


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def held(layout: Layout) -> sqlite3.Connection:
    """One to keep open and leave alone, in the process that serves.

    Whoever closes the last connection has to fold SQLite's log into the file and remove it, which
    costs more than most requests do, and each of them closes its own.
    """
    db = _open(layout)
    _version(db)  # only one that has read something counts
    return db


@contextmanager
def connected(layout: Layout) -> Iterator[sqlite3.Connection]:
    """A connection to a database of exactly this schema."""
    if not layout.database.exists():
        raise ForgeError(f"{layout.database}: there is no forge here yet; run GitForge.migrate()")
    db = _open(layout)
    try:
        if _version(db) != len(MIGRATIONS):
            raise ForgeError(
                f"{layout.database}: schema {_version(db)}, this program needs {len(MIGRATIONS)};"
                " stop the older processes and run GitForge.migrate()"
            )
        yield db
    finally:
        db.close()


@contextmanager
def writing(db: sqlite3.Connection) -> Iterator[None]:
    """One short write transaction: taken at once, kept whole or not at all."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def migrate(layout: Layout) -> None:
    """Make or upgrade the database; a newer schema than ours is refused untouched."""
    layout.database.touch(0o600)  # it holds the webhook's secret; SQLite's side files follow it
    db = _open(layout)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        with writing(db):
            found = _version(db)
            if found > len(MIGRATIONS):
                raise ForgeError(
                    f"{layout.database}: schema {found} is newer than this program's"
                    f" {len(MIGRATIONS)}; install the release that wrote it"
                )
            for statements in MIGRATIONS[found:]:
                for statement in statements:
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    finally:
        db.close()


def next_seq(db: sqlite3.Connection) -> int:
    """The forge-wide order of everything that happens; call it inside `writing`."""
    row = db.execute("UPDATE counter SET seq = seq + 1 RETURNING seq").fetchone()
    return int(row["seq"])


def new_row(cursor: sqlite3.Cursor) -> int:
    if cursor.lastrowid is None:
        raise ForgeError("forge.db: an insert made no row; check the disk and the database file")
    return cursor.lastrowid


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def setting(db: sqlite3.Connection, key: str) -> str:
    row = db.execute("SELECT value FROM setting WHERE key = ?", (key,)).fetchone()
    return str(row["value"]) if row else ""


def set_setting(db: sqlite3.Connection, key: str, value: str) -> None:
    db.execute(
        "INSERT INTO setting (key, value) VALUES (?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )
