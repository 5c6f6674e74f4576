from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from intakebot.store import schema
from intakebot.store.database import Database
from tests.databases import Databases

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def database(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    """A house's, of the newest schema."""
    with databases.house(tmp_path) as url:
        database = Database(url)
        schema.upgrade(database, now=NOW)
        yield database
        database.close()


@pytest.fixture
def connection(database: Database) -> Iterator[sa.Connection]:
    """One transaction in it."""
    with database.write() as connection:
        yield connection
