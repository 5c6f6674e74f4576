"""Insert a row, whether or not it is there already, the same on both databases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_new(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """True when the row was made, False when a unique column says it exists already."""
    # Not by the count of rows: where a key is counted up, the driver is not asked for it.
    made = _insert(connection, table, values).on_conflict_do_nothing()
    return connection.execute(made.returning(*table.primary_key)).first() is not None


def insert_or_change(
    connection: sa.Connection,
    table: sa.Table,
    values: Mapping[str, Any],
    change: Mapping[str, Any],
) -> None:
    """`change` is made to the row with the same primary key, if it exists already."""
    key = list(table.primary_key)
    made = _insert(connection, table, values)
    connection.execute(made.on_conflict_do_update(index_elements=key, set_=dict(change)))


def _insert(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> Any:
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return insert(table).values(**values)
