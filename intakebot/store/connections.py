"""Repositories at a forge that `connect` set up: how they are reached, and what it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from intakebot.store.tables import connections, repos
from intakebot.store.upsert import insert_new


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """`forge_id` and `workspace_id` are the forge's, `name` as it was when it was connected.
    `changes` are JSON objects that tell `disconnect` what was there before."""

    id: int
    forge: str
    forge_id: str
    workspace_id: str
    name: str
    intake: str
    deploy: str
    hook_nonce: str
    hook_id: str
    changes: Sequence[Mapping[str, Any]]
    connected_at: datetime


def all_of(connection: sa.Connection, forge: str) -> list[ConnectionRow]:
    """Under the names they have by now, as far as the house has heard."""
    renamed = sa.and_(
        repos.c.forge == connections.c.forge, repos.c.forge_id == connections.c.forge_id
    )
    rows = connection.execute(
        sa.select(connections, repos.c.name.label("newest"))
        .outerjoin(repos, renamed)
        .where(connections.c.forge == forge)
        .order_by(connections.c.name)
    )
    return [replace(_row(row), name=row.newest or row.name) for row in rows]


def find(connection: sa.Connection, forge: str, forge_id: str) -> ConnectionRow | None:
    row = connection.execute(
        sa.select(connections).where(
            connections.c.forge == forge, connections.c.forge_id == forge_id
        )
    ).one_or_none()
    return _row(row) if row else None


def keep(connection: sa.Connection, values: Mapping[str, Any]) -> None:
    """A new connection, by column, or new values for one that is there."""
    insert_new(connection, connections, {"changes": [], **values})
    key = sa.and_(
        connections.c.forge == values["forge"], connections.c.forge_id == values["forge_id"]
    )
    connection.execute(sa.update(connections).where(key).values(**values))


def change(connection: sa.Connection, row: int, **values: object) -> None:
    connection.execute(sa.update(connections).where(connections.c.id == row).values(**values))


def forget(connection: sa.Connection, row: int) -> None:
    connection.execute(sa.delete(connections).where(connections.c.id == row))


def _row(row: sa.Row[Any]) -> ConnectionRow:
    return ConnectionRow(
        row.id,
        row.forge,
        row.forge_id,
        row.workspace_id,
        row.name,
        row.intake,
        row.deploy,
        row.hook_nonce,
        row.hook_id,
        row.changes,
        row.connected_at,
    )
