"""Insert a row unless it is there, the same on both databases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_new(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """True when the row was made, False when a unique column says it exists already."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    # Not by the count of rows: where a key is counted up, the driver is not asked for it.
    made = insert(table).values(**values).on_conflict_do_nothing().returning(*table.primary_key)
    return connection.execute(made).first() is not None
