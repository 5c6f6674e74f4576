"""What the bot did, written before and after: `sending` means it may or may not have happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from intakebot.store.tables import receipts
from intakebot.store.upsert import insert_new


def intend(
    connection: sa.Connection,
    pull_id: int,
    key: str,
    kind: str,
    head: str,
    rules_digest: str,
    detail: Mapping[str, Any],
    now: datetime,
) -> None:
    """A second intention with the same key is the same effect, tried again."""
    row = {
        "pull_id": pull_id,
        "key": key,
        "kind": kind,
        "state": "sending",
        "head": head,
        "rules_digest": rules_digest,
        "detail": dict(detail),
        "at": now,
    }
    insert_new(connection, receipts, row)


def confirm(connection: sa.Connection, pull_id: int, key: str, now: datetime) -> None:
    connection.execute(
        sa.update(receipts)
        .where(receipts.c.pull_id == pull_id, receipts.c.key == key)
        .values(state="done", done_at=now)
    )


def refuse(connection: sa.Connection, pull_id: int, key: str, why: str, now: datetime) -> None:
    """The forge takes this effect from nobody here; it is not tried again."""
    row = sa.and_(receipts.c.pull_id == pull_id, receipts.c.key == key)
    detail = connection.scalar(sa.select(receipts.c.detail).where(row)) or {}
    connection.execute(
        sa.update(receipts)
        .where(row)
        .values(state="refused", done_at=now, detail={**detail, "refused": why})
    )


def settle(connection: sa.Connection, pull_id: int, again: Sequence[str], now: datetime) -> None:
    """A look has read the forge: what was in doubt is there or no longer wanted, `again` aside."""
    connection.execute(
        sa.update(receipts)
        .where(receipts.c.pull_id == pull_id, receipts.c.state == "sending")
        .where(receipts.c.key.not_in(again))
        .values(state="done", done_at=now)
    )


def of_pull(connection: sa.Connection, pull_id: int) -> list[sa.Row[Any]]:
    return list(
        connection.execute(
            sa.select(receipts).where(receipts.c.pull_id == pull_id).order_by(receipts.c.id)
        )
    )
