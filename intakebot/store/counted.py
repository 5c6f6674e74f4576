"""What pull requests that are over came to, written down so that reports need not count it anew.

Triggers of the database (migration 0014) take a row away as soon as anything changes that it was
counted from, whoever changes it. What is not of one pull request has a name, its `basis`: a row
whose basis has another name by now is as good as none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from intakebot.store.tables import counted, pulls
from intakebot.store.upsert import insert

PIECE = 2_000  # rows read at a time


@dataclass(frozen=True, slots=True)
class Written:
    """`relied` says what `basis` was made of."""

    relied: str
    basis: str
    body: str


def can_be_told() -> sa.ColumnElement[bool]:
    """Of a pull request: it was looked at, and its author is known."""
    return sa.and_(pulls.c.looked_at.is_not(None), pulls.c.author_id != "")


def read(connection: sa.Connection) -> Iterator[tuple[int, Written]]:
    """What was written, by pull request, in no order."""
    query = sa.select(counted.c.pull_id, counted.c.relied, counted.c.basis, counted.c.body)
    for pull, *told in connection.execute(query, execution_options={"yield_per": PIECE}):
        yield pull, Written(*told)


def bases(connection: sa.Connection) -> Iterator[tuple[int, str, str]]:
    """As `read`: pull request, `relied` and `basis`."""
    query = sa.select(counted.c.pull_id, counted.c.relied, counted.c.basis)
    yield from connection.execute(query)


def to_count(connection: sa.Connection, *, only_over: bool = False) -> Sequence[int]:
    """All that reports are about, or those of them that are over, in the order of their ids."""
    query = sa.select(pulls.c.id).where(can_be_told()).order_by(pulls.c.id)
    return list(connection.scalars(query.where(~pulls.c.open) if only_over else query))


def write(connection: sa.Connection, rows: Mapping[int, Written]) -> None:
    """By pull request, in the transaction that has read what they were counted from."""
    made = insert(connection.dialect.name, counted)
    change = {name: made.excluded[name] for name in Written.__slots__}
    query = made.on_conflict_do_update(index_elements=[counted.c.pull_id], set_=change)
    if rows:
        connection.execute(query, [{"pull_id": pull, **asdict(one)} for pull, one in rows.items()])


def forget(connection: sa.Connection) -> None:
    """All of it; it is counted again."""
    connection.execute(sa.delete(counted))
