"""The schema's version: make it, bring it up to date after a backup, refuse a newer one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from intakebot.crash import crashpoint
from intakebot.model import OperatorError
from intakebot.store.database import Database, sqlite_file

# The newest migration under migrations/versions; a test holds the two together.
NEWEST = "0004"


def version(database: Database) -> str | None:
    """None for a database without our tables."""
    with database.read() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return str(found) if found else None


def upgrade(database: Database, *, now: datetime) -> str | None:
    """Bring the schema to the newest version; returns the path of the backup it made, if any.

    Raises OperatorError when the database is newer than this program.
    """
    found = version(database)
    if found == NEWEST:
        return None
    if found is not None and found not in _known():
        raise OperatorError(
            f"the database has schema {found}, this intakebot knows {NEWEST} at most; "
            "start the newer intakebot, or restore the backup made before it"
        )
    saved = _back_up(database, now) if found is not None else None
    crashpoint("migrate.mid")
    _run_alembic(database)
    return str(saved) if saved else None


def _known() -> set[str]:
    folder = Path(__file__).parent / "migrations" / "versions"
    return {path.name.split("_")[0] for path in folder.glob("0*.py")}


def _back_up(database: Database, now: datetime) -> Path | None:
    """A consistent copy beside a SQLite file; PostgreSQL has its own ways."""
    file = sqlite_file(database.url)
    if file is None:
        return None
    target = file.with_name(f"{file.name}.{now:%Y%m%dT%H%M%S}.backup")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    return target


def _run_alembic(database: Database) -> None:
    from alembic import command  # 0.2 s to import, and needed once in the life of a schema
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, NEWEST)
