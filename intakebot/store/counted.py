"""What pull requests that are over came to, written down so that reports need not count it anew.

Triggers of the database (migration 0014) take a row away as soon as anything changes that it was
counted from, whoever changes it. What is not of one pull request is its `basis`: a row with
another one is as good as none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from intakebot.store.tables import counted, pulls
from intakebot.store.upsert import insert

PIECE = 2_000  # rows read at a time


def can_be_told() -> sa.ColumnElement[bool]:
    """Of a pull request: it was looked at, and its author is known."""
    return sa.and_(pulls.c.looked_at.is_not(None), pulls.c.author_id != "")


def read(connection: sa.Connection, basis: str) -> Iterator[str]:
    """What was written, in no order."""
    query = sa.select(counted.c.body).where(counted.c.basis == basis)
    return iter(connection.scalars(query, execution_options={"yield_per": PIECE}))


def not_written(connection: sa.Connection, basis: str) -> Sequence[int]:
    """The pull requests that have to be counted."""
    return list(connection.scalars(_missing(basis)))


def over(connection: sa.Connection, basis: str, after: int, most: int) -> Sequence[int]:
    """The next of those that are over and have to be counted, beyond the id `after`."""
    query = _missing(basis).where(~pulls.c.open, pulls.c.id > after).limit(most)
    return list(connection.scalars(query))


def write(connection: sa.Connection, basis: str, bodies: Mapping[int, str]) -> None:
    """By pull request, in the transaction that has read what they were counted from."""
    made = insert(connection.dialect.name, counted)
    change = {"basis": made.excluded.basis, "body": made.excluded.body}
    query = made.on_conflict_do_update(index_elements=[counted.c.pull_id], set_=change)
    rows = [{"pull_id": pull, "basis": basis, "body": body} for pull, body in bodies.items()]
    if rows:
        connection.execute(query, rows)


def forget(connection: sa.Connection) -> None:
    """All of it; it is counted again."""
    connection.execute(sa.delete(counted))


def _missing(basis: str) -> sa.Select[Any]:
    written = sa.and_(counted.c.pull_id == pulls.c.id, counted.c.basis == basis)
    return (
        sa.select(pulls.c.id)
        .outerjoin(counted, written)
        .where(counted.c.pull_id.is_(None), can_be_told())
        .order_by(pulls.c.id)
    )
