"""Workspaces and projects at a forge whose new repositories are to come behind the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from intakebot.store.tables import follows
from intakebot.store.upsert import insert_new


@dataclass(frozen=True, slots=True)
class Follow:
    """`project` is a key, or "" for the whole workspace; `intake` and `deploy` are branches, or
    "" for the usual ones. `left_out` maps ids of repositories that were disconnected to names.
    `problem` is what kept the last look, at `looked_at`, from bringing new ones in."""

    id: int
    forge: str
    workspace_id: str
    workspace: str
    project: str
    intake: str
    deploy: str
    left_out: Mapping[str, str]
    followed_at: datetime
    looked_at: datetime | None
    problem: str

    @property
    def place(self) -> str:
        return f"project {self.project} of {self.workspace}" if self.project else self.workspace


def all_of(connection: sa.Connection, forge: str) -> list[Follow]:
    rows = connection.execute(
        sa.select(follows)
        .where(follows.c.forge == forge)
        .order_by(follows.c.workspace, follows.c.project)
    )
    return [Follow(**row._mapping) for row in rows]


def keep(connection: sa.Connection, values: Mapping[str, Any]) -> None:
    """A new one, by column, or new values for one of the same workspace and project."""
    insert_new(connection, follows, {"left_out": {}, **values})
    changed = {name: values[name] for name in ("workspace", "intake", "deploy")}
    key = ("forge", "workspace_id", "project")
    where = sa.and_(*(follows.c[name] == values[name] for name in key))
    connection.execute(sa.update(follows).where(where).values(**changed))


def change(connection: sa.Connection, row: int, **values: object) -> None:
    connection.execute(sa.update(follows).where(follows.c.id == row).values(**values))


def forget(connection: sa.Connection, row: int) -> None:
    connection.execute(sa.delete(follows).where(follows.c.id == row))
