"""Marks that change when what a page shows may have changed; asked for every few seconds."""

from __future__ import annotations

import sqlalchemy as sa

from intakebot.store.tables import entries, incidents, lanes, links, looks, pulls, receipts, words


def of_house(connection: sa.Connection) -> tuple[object, ...]:
    """Of lists and lanes. The newest of each kind is found by its key, however many there are."""
    newest = [
        connection.scalar(sa.select(sa.func.max(column)))
        for column in (
            *(looks.c.id, receipts.c.id, words.c.id, links.c.seq, incidents.c.id, entries.c.id),
        )
    ]
    return (*newest, connection.scalar(sa.select(sa.func.sum(lanes.c.done))))


def of_pull(connection: sa.Connection, pull_id: int) -> tuple[object, ...]:
    """Of one page: its counters rise with every look, its place in the lane beside them."""
    line = connection.execute(
        sa.select(pulls.c.done, pulls.c.looked_at, pulls.c.state, pulls.c.why, pulls.c.problem)
        .where(pulls.c.id == pull_id)
    ).one()  # fmt: skip
    queued = connection.execute(
        sa.select(sa.func.max(entries.c.id), sa.func.count(entries.c.id), sa.func.max(lanes.c.done))
        .join(lanes, lanes.c.id == entries.c.lane_id)
        .where(entries.c.pull_id == pull_id)
    ).one()
    return (*line, *queued)
