"""The schema's version: make it, bring it up to date after a backup, refuse a newer one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from intakebot.crash import crashpoint
from intakebot.model import OperatorError
from intakebot.store import backup, postgresql
from intakebot.store.database import Database

# The newest migration under migrations/versions; a test holds the two together.
NEWEST = "0015"


def version(database: Database) -> str | None:
    """None for a database without our tables."""
    with database.read() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return str(found) if found else None


def upgrade(
    database: Database, *, now: datetime, folder: Path = Path(), backed_up: bool = False
) -> str | None:
    """Bring the schema to the newest version; returns the path of the backup it made, if any.

    A copy of SQLite lies beside its file, a dump of PostgreSQL in `folder`. `backed_up` says that
    there is one already. Raises OperatorError when the database is newer than this program, or
    can't be backed up, and TryLater when it can't be had now.
    """
    found = version(database)
    if found == NEWEST:
        return None
    if found is not None and found not in _known():
        raise OperatorError(
            f"the database has schema {found}, this intakebot knows {NEWEST} at most; "
            "start the newer intakebot, or restore the backup made before it"
        )
    needs_backup = found is not None and not backed_up
    saved = backup.make(database, folder, now) if needs_backup else None
    crashpoint("migrate.mid")
    _run_alembic(database)
    return str(saved) if saved else None


def _known() -> set[str]:
    folder = Path(__file__).parent / "migrations" / "versions"
    return {path.name.split("_")[0] for path in folder.glob("0*.py")}


def _run_alembic(database: Database) -> None:
    from alembic import command  # 0.2 s to import, and needed once in the life of a schema
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with database.write() as connection:
        if not database.is_sqlite:
            postgresql.take_time(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, NEWEST)
