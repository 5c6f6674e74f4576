"""The house's database for a test: SQLite, or PostgreSQL with `--database`.

Where a house keeps its things it also keeps the address of its database, so that every process
that is given the folder finds the same one.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from intakebot.settings import keep_secrets
from intakebot.store import schema
from intakebot.store.database import Database
from intakebot.store.postgresql import LOCK
from intakebot.store.sqlite import file_of
from intakebot.store.tables import metadata
from tests.postgres import Server

EMPTY, MIGRATED = "template1", "migrated"


class Databases(Protocol):
    @property
    def server(self) -> Server | None:
        """None for SQLite."""

    def house(self, state: Path, like: str = "", begun: bool = True) -> AbstractContextManager[str]:
        """The address of a database for the house in this folder, until the end.

        It may have the newest schema already, unless it is not `begun`. `like` is the address of
        a closed one to copy.
        """

    def empty(self, folder: Path) -> AbstractContextManager[str]:
        """The address of one that nothing was ever written to."""

    def kept(self, url: str) -> AbstractContextManager[Callable[[], None]]:
        """Gives what makes this database again what it is now. Nobody may have it open then."""

    def held(self, url: str) -> AbstractContextManager[None]:
        """Another program has begun to write to it, and does not end."""


@dataclass(slots=True)
class OnSqlite:
    server = None
    migrated: bytes = b""  # a database with the newest schema, made when it is first asked for

    @contextmanager
    def house(self, state: Path, like: str = "", begun: bool = True) -> Iterator[str]:
        """A copied folder brings its database along."""
        file = state / "intakebot.db"
        if begun and not like and not file.exists():
            self.migrated = self.migrated or _migrated()
            state.mkdir(parents=True, exist_ok=True)
            file.write_bytes(self.migrated)
        yield f"sqlite:///{file}"

    @contextmanager
    def empty(self, folder: Path) -> Iterator[str]:
        yield f"sqlite:///{folder / 'intakebot.db'}"

    @contextmanager
    def kept(self, url: str) -> Iterator[Callable[[], None]]:
        file = _file(url)
        copy = file.with_suffix(".kept")
        shutil.copy(file, copy)

        def put_back() -> None:
            for suffix in ("-wal", "-shm"):
                file.with_name(file.name + suffix).unlink(missing_ok=True)
            shutil.copy(copy, file)

        yield put_back

    @contextmanager
    def held(self, url: str) -> Iterator[None]:
        with closing(sqlite3.connect(_file(url), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield


def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "intakebot.db"
        database = Database(f"sqlite:///{file}")
        schema.upgrade(database, now=datetime.now(UTC))
        database.close()
        return file.read_bytes()


def _file(url: str) -> Path:
    file = file_of(url)
    assert file is not None, url
    return file


@dataclass(slots=True)
class OnPostgres:
    """One server for all, and on it a database for each."""

    server: Server
    numbers: Iterator[int] = field(default_factory=count)

    def prepare(self) -> None:
        self.server.ask(f"CREATE DATABASE {MIGRATED}")
        database = Database(self.server.url(MIGRATED))
        schema.upgrade(database, now=datetime.now(UTC))
        database.close()

    @contextmanager
    def house(self, state: Path, like: str = "", begun: bool = True) -> Iterator[str]:
        with self._copy_of(_name(like) if like else MIGRATED if begun else EMPTY) as url:
            state.mkdir(parents=True, exist_ok=True)
            keep_secrets(state, {"DATABASE_URL": url})
            yield url

    @contextmanager
    def empty(self, folder: Path) -> Iterator[str]:
        with self._copy_of(EMPTY) as url:
            yield url

    @contextmanager
    def kept(self, url: str) -> Iterator[Callable[[], None]]:
        name = _name(url)
        with self._copy_of(name) as copy:

            def put_back() -> None:
                self.server.ask(f"DROP DATABASE {name} WITH (FORCE)")
                self.server.ask(f"CREATE DATABASE {name} TEMPLATE {_name(copy)}")

            yield put_back

    @contextmanager
    def held(self, url: str) -> Iterator[None]:
        with psycopg.connect(url) as other:
            other.execute(f"SELECT pg_advisory_xact_lock({LOCK})".encode())
            yield

    @contextmanager
    def _copy_of(self, template: str) -> Iterator[str]:
        name = f"house_{next(self.numbers)}"
        self.server.ask(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.server.url(name)
        finally:
            self.server.ask(f"DROP DATABASE {name} WITH (FORCE)")


def _name(url: str) -> str:
    return str(sa.make_url(url).database)


def everything(database: Database) -> dict[str, list[sa.Row[Any]]]:
    """Table -> its rows, the schema's version among them."""
    with database.read() as connection:
        kept = {
            table.name: list(connection.execute(sa.select(table)))
            for table in metadata.sorted_tables
        }
        version = list(connection.execute(sa.text("SELECT * FROM alembic_version")))
    return {**kept, "alembic_version": version}


def at_schema(database: Database, revision: str) -> None:
    """An empty one made as an earlier intakebot made it."""
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
