"""One database, SQLite or PostgreSQL, and the two ways to speak to it: read and write.

SQLite runs in WAL mode with synchronous FULL: what was committed survives a power cut. Writers
take the write lock at BEGIN, so that a transaction never fails half way for want of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from intakebot.model import OperatorError, TryLater

BUSY_SECONDS = 10


class Database:
    """Opens lazily; give each process its own (never carry one across a fork)."""

    def __init__(self, url: str, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self.url = url
        self.engine = _engine(url, busy_seconds)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        with _translated(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Commits at the end; rolls back and raises when anything fails, commit included."""
        with (
            _translated(),
            self.engine.connect() as plain,
            plain.execution_options(intakebot_write=True) as connection,
            connection.begin(),
        ):
            yield connection

    def close(self) -> None:
        self.engine.dispose()


def _engine(url: str, busy_seconds: float) -> sa.Engine:
    try:
        made = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise OperatorError(
            f"DATABASE_URL is not a database address: {error}; "
            "for example sqlite:////var/lib/intakebot/intakebot.db"
        ) from error
    if made.get_backend_name() == "sqlite":
        engine = sa.create_engine(made, connect_args={"timeout": busy_seconds})
        sa.event.listen(engine, "connect", _set_up_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    if made.get_backend_name() == "postgresql":
        try:
            return sa.create_engine(made.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
        except ModuleNotFoundError as error:
            raise OperatorError(
                "DATABASE_URL names PostgreSQL, but its driver is missing; "
                "run: pip install 'intakebot[postgres]'"
            ) from error
    raise OperatorError(
        f"DATABASE_URL: {made.get_backend_name()} is not known; use sqlite or postgresql"
    )


def _set_up_sqlite(raw: sqlite3.Connection, _: Any) -> None:
    raw.isolation_level = None  # SQLAlchemy's "begin" below starts transactions, not the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        raw.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    write = connection.get_execution_options().get("intakebot_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        # Locked, full, read-only, unreachable: the statement was fine, the database can't now.
        raise TryLater(f"the database can't take it now: {error.orig}") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise TryLater(f"the database went away: {error.orig}") from error
        raise


def sqlite_file(url: str) -> Path | None:
    """The file behind a SQLite address, else None."""
    made = sa.make_url(url)
    return Path(made.database) if made.get_backend_name() == "sqlite" and made.database else None
