"""Who works on a row now. A lease ends by itself; its fencing number rises with each holder.

Everything a holder writes at the end is conditional on its fencing number, so one that was
paused past its lease finds out and writes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

LONGEST = timedelta(minutes=5)  # more than any lease lasts


def free(table: sa.Table, now: datetime) -> sa.ColumnElement[bool]:
    """Nobody has it: never taken, given back, run out, or given by a clock that was put back."""
    until = table.c.lease_until
    return sa.or_(until.is_(None), until < now, until > now + LONGEST)


def claim(
    connection: sa.Connection, table: sa.Table, row: int, owner: str, now: datetime, ttl: timedelta
) -> int | None:
    """The new fencing number, or None while somebody else holds the row."""
    fence: int | None = connection.scalar(
        sa.update(table)
        .where(table.c.id == row)
        .where(free(table, now))
        .values(lease_owner=owner, lease_fence=table.c.lease_fence + 1, lease_until=now + ttl)
        .returning(table.c.lease_fence)
    )
    return fence


def renew(
    connection: sa.Connection, table: sa.Table, row: int, fence: int, now: datetime, ttl: timedelta
) -> bool:
    """False when the lease has gone to somebody else."""
    return _change(connection, table, row, fence, now + ttl)


def release(connection: sa.Connection, table: sa.Table, row: int, fence: int) -> bool:
    return _change(connection, table, row, fence, None)


def _change(
    connection: sa.Connection, table: sa.Table, row: int, fence: int, until: datetime | None
) -> bool:
    result = connection.execute(
        sa.update(table)
        .where(table.c.id == row, table.c.lease_fence == fence)
        .values(lease_until=until)
    )
    return result.rowcount == 1
