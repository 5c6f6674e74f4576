"""Deliveries, each kept once with its bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

import sqlalchemy as sa

from intakebot.model import Delivery, Event, Ignored
from intakebot.store import connections, work
from intakebot.store.tables import deliveries, pulls, repos
from intakebot.store.upsert import insert_new


def keep(
    connection: sa.Connection,
    delivery: Delivery,
    event: Event | Ignored,
    by_connection: Collection[str] = (),
) -> list[str] | None:
    """Store one delivery and nudge what it speaks of, in the caller's transaction.

    `by_connection` are forges where only connected repositories matter, each by its own hook.
    Returns the bells to ring afterwards ("look:5", "survey:2"), or None for a repeat.
    """
    if isinstance(event, Event) and event.forge in by_connection:
        event = _connected(connection, event, delivery.nonce)
    row = {
        "forge": delivery.forge,
        "delivery_id": delivery.id,
        "received_at": delivery.received_at,
        "headers": dict(delivery.headers),
        "body": delivery.body,
        "body_sha256": hashlib.sha256(delivery.body).hexdigest(),
    }
    if isinstance(event, Ignored):
        return [] if insert_new(connection, deliveries, {**row, "ignored": event.why}) else None
    row |= {"kind": event.kind.value, "actor": event.actor or ""}
    if not insert_new(connection, deliveries, row):
        return None
    repo_id = work.repo_row(connection, event.forge, event.repo)
    place: dict[str, int | None] = {"repo_id": repo_id, "pull_id": None}
    if event.number is None:
        place["wanted"] = work.nudge(connection, repos, repo_id, delivery.received_at)
        bells = [f"survey:{repo_id}"]
    else:
        pull_id = work.pull_row(connection, repo_id, event.number, delivery.received_at)
        place["pull_id"] = pull_id
        place["wanted"] = work.nudge(connection, pulls, pull_id, delivery.received_at)
        bells = [f"look:{pull_id}"]
    connection.execute(
        sa.update(deliveries)
        .where(deliveries.c.forge == delivery.forge, deliveries.c.delivery_id == delivery.id)
        .values(**place)
    )
    return bells


def _connected(connection: sa.Connection, event: Event, nonce: str | None) -> Event | Ignored:
    """A hook speaks for the repository that it was made for, whoever has come by its secret."""
    row = connections.find(connection, event.forge, event.repo)
    if row is None:
        return Ignored("its repository is not connected")
    if nonce is not None and nonce != row.hook_nonce:
        return Ignored("its hook was made for another repository")
    return event
