"""Repositories at a forge that `connect` set up: how they are reached, and what it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from intakebot.store.runs import want_only
from intakebot.store.straight import Straight
from intakebot.store.tables import connections, entries, lanes, pulls, repos
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


# Built once: the door asks for it with every delivery.
_NONCE = sa.select(connections.c.hook_nonce).where(
    connections.c.forge == sa.bindparam("forge"), connections.c.forge_id == sa.bindparam("forge_id")
)


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


def nonce(connection: sa.Connection | Straight, forge: str, forge_id: str) -> str | None:
    """That its hook was made with; None where it is not connected."""
    rows = connection.execute(_NONCE, {"forge": forge, "forge_id": forge_id})
    return next((str(nonce) for (nonce,) in rows), None)


def keep(connection: sa.Connection, values: Mapping[str, Any]) -> None:
    """A new connection, by column, or new values for one that is there."""
    insert_new(connection, connections, {"changes": [], **values})
    key = sa.and_(
        connections.c.forge == values["forge"], connections.c.forge_id == values["forge_id"]
    )
    connection.execute(sa.update(connections).where(key).values(**values))


def change(connection: sa.Connection, row: int, **values: object) -> None:
    connection.execute(sa.update(connections).where(connections.c.id == row).values(**values))


def forget(connection: sa.Connection, row: ConnectionRow) -> None:
    """Nothing is due in its repository any more. Connected again, all is met anew."""
    connection.execute(sa.delete(connections).where(connections.c.id == row.id))
    same = sa.and_(repos.c.forge == row.forge, repos.c.forge_id == row.forge_id)
    repo_id = connection.scalar(sa.select(repos.c.id).where(same))
    if repo_id is not None:
        _let_go(connection, repo_id)


def _let_go(connection: sa.Connection, repo_id: int) -> None:
    """What was about to land does not; a landing whose push may be under way is left to it. What
    moves meanwhile is nobody's way past us, so the tips that were known are forgotten."""
    ours = sa.select(pulls.c.id).where(pulls.c.repo_id == repo_id)
    idle = {"problem": "", "look_at": None}
    connection.execute(
        sa.update(repos)
        .where(repos.c.id == repo_id)
        .values(pulls_cursor="", surveyed_at=None, done=repos.c.wanted)
    )
    connection.execute(
        sa.update(entries)
        .where(entries.c.pull_id.in_(ours), entries.c.state.in_(("queued", "testing")))
        .values(state="dropped", why="its repository was disconnected")
    )
    connection.execute(
        sa.update(lanes)
        .where(lanes.c.repo_id == repo_id)
        .values(stuck="", frozen="", tip="", done=lanes.c.wanted, **idle)
    )
    for pull_id in list(connection.scalars(ours.where(pulls.c.open))):
        for purpose in ("look", "lane"):
            want_only(connection, pull_id, purpose, [])
    connection.execute(
        sa.update(pulls)
        .where(pulls.c.repo_id == repo_id, pulls.c.open)
        .values(open=False, why="Its repository is no longer connected.")
    )
    connection.execute(
        sa.update(pulls)
        .where(pulls.c.repo_id == repo_id)
        .values(failures=0, done=pulls.c.wanted, **idle)
    )


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
