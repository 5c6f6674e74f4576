"""When a forge last reached us, and how long its words are kept."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from intakebot.store.tables import deliveries, repos


def last_received(connection: sa.Connection, forge: str, forge_id: str) -> datetime | None:
    """The newest delivery about this repository; None when none has arrived."""
    found: datetime | None = connection.scalar(
        sa.select(deliveries.c.received_at)
        .join(repos, deliveries.c.repo_id == repos.c.id)
        .where(repos.c.forge == forge, repos.c.forge_id == forge_id)
        .order_by(deliveries.c.id.desc())
        .limit(1)
    )
    return found


def with_old_bodies(
    connection: sa.Connection, before: datetime, after: int, most: int
) -> tuple[list[int], int]:
    """Of the next `most` beyond the id `after`: those with a body that came before that moment,
    and up to which id they were looked at; that is `after` when no more are so old."""
    rows = connection.execute(
        sa.select(
            deliveries.c.id,
            deliveries.c.received_at,
            sa.func.length(deliveries.c.body).label("bytes"),
        )
        .where(deliveries.c.id > after)
        .order_by(deliveries.c.id)
        .limit(most)
    ).all()
    old = [row for row in rows if row.received_at < before]
    return [row.id for row in old if row.bytes], max((row.id for row in old), default=after)


def empty(connection: sa.Connection, ids: list[int]) -> None:
    """What came, when, and the body's SHA-256 stay."""
    emptied = sa.update(deliveries).where(deliveries.c.id.in_(ids))
    connection.execute(emptied.values(body=b"", headers={}))
