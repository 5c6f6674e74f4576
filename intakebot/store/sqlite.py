"""SQLite: WAL, so that reading waits for nobody, and synchronous FULL, so that commits stay."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa

READ: dict[str, Any] = {}
WRITE: dict[str, Any] = {"intakebot_write": True}
BEGIN_WRITE = "BEGIN IMMEDIATE"


def make_engine(url: sa.URL, busy_seconds: float, _stalled_seconds: float) -> sa.Engine:
    # The connection used last is used again: its pages are still those of the file.
    engine = sa.create_engine(url, connect_args={"timeout": busy_seconds}, pool_use_lifo=True)
    sa.event.listen(engine, "connect", _set_up)
    sa.event.listen(engine, "begin", _begin)
    return engine


def begin_write(_stalled_seconds: float) -> str:
    """What a transaction that writes begins with."""
    return BEGIN_WRITE


def _set_up(raw: sqlite3.Connection, _: Any) -> None:
    raw.isolation_level = None  # SQLAlchemy's "begin" below starts transactions, not the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        raw.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    write = connection.get_execution_options().get("intakebot_write")
    connection.exec_driver_sql(BEGIN_WRITE if write else "BEGIN")


def file_of(url: str) -> Path | None:
    """The file behind a SQLite address, else None."""
    made = sa.make_url(url)
    return Path(made.database) if made.get_backend_name() == "sqlite" and made.database else None
