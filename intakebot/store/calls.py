"""How many calls of a forge's API the house has made, by minute: no secret, nothing of content."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from intakebot.store.tables import calls
from intakebot.store.upsert import insert_or_change


class Minute(NamedTuple):
    """`counted_by` names whose allowance it is. `told_limit` is the newest that an answer told,
    0 for none; `near` whether one told that the limit is near."""

    counted_by: str
    minute: datetime
    calls: int
    told_limit: int
    near: bool


def add(connection: sa.Connection, found: Iterable[Minute]) -> None:
    """On top of what other processes have added for the same minute."""
    for one in found:
        insert_or_change(
            connection,
            calls,
            one._asdict(),
            {
                "calls": calls.c.calls + one.calls,
                "told_limit": one.told_limit or calls.c.told_limit,
                "near": sa.or_(calls.c.near, sa.literal(one.near)),
            },
        )


def since(connection: sa.Connection, at: datetime) -> list[Minute]:
    """Minutes that began then or later, oldest first."""
    rows = connection.execute(
        sa.select(calls).where(calls.c.minute >= at).order_by(calls.c.minute, calls.c.counted_by)
    )
    return [Minute(**row._mapping) for row in rows]


def forget(connection: sa.Connection, before: datetime) -> None:
    connection.execute(sa.delete(calls).where(calls.c.minute < before))
