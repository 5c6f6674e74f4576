"""Insert rows, whether or not they are there already, the same on both databases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

    Insert = sqlite.Insert | postgresql.Insert


def insert_new(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """True when the row was made, False when a unique column says it exists already."""
    # Not by the count of rows: where a key is counted up, the driver is not asked for it.
    made = new_rows(connection.dialect.name, table).values(**values)
    return connection.execute(made.returning(*table.primary_key)).first() is not None


def insert_or_change(
    connection: sa.Connection,
    table: sa.Table,
    values: Mapping[str, Any],
    change: Mapping[str, Any],
) -> None:
    """`change` is made to the row with the same primary key, if it exists already."""
    made = insert(connection.dialect.name, table).values(**values)
    key = list(table.primary_key)
    connection.execute(made.on_conflict_do_update(index_elements=key, set_=dict(change)))


def new_rows(dialect: str, table: sa.Table) -> Insert:
    """The statement that leaves alone what a unique column says is there."""
    return insert(dialect, table).on_conflict_do_nothing()


def insert(dialect: str, table: sa.Table) -> Insert:
    """In the dialect's own words, which alone can tell what to do about a row that is there."""
    if dialect == "sqlite":
        return sqlite.insert(table)
    # Every command would load it, with all its drivers' dialects, and most houses have no use.
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)
