"""What the bot did, written before and after: `sending` means it may or may not have happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from intakebot.store import chain
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
    """It was done. One that is at its end already stays as it was sealed."""
    row = sa.and_(receipts.c.pull_id == pull_id, receipts.c.key == key)
    _end(connection, row, now, state="done")


def refuse(connection: sa.Connection, pull_id: int, key: str, why: str, now: datetime) -> None:
    """The forge takes this effect from nobody here; it is not tried again."""
    row = sa.and_(receipts.c.pull_id == pull_id, receipts.c.key == key)
    detail = connection.scalar(sa.select(receipts.c.detail).where(row)) or {}
    _end(connection, row, now, state="refused", detail={**detail, "refused": why})


def settle(connection: sa.Connection, pull_id: int, again: Sequence[str], now: datetime) -> None:
    """A look has read the forge: what was in doubt is there or no longer wanted, `again` aside."""
    doubtful = sa.and_(receipts.c.pull_id == pull_id, receipts.c.key.not_in(again))
    _end(connection, doubtful, now, state="done")


def _end(
    connection: sa.Connection, which: sa.ColumnElement[bool], now: datetime, **values: object
) -> None:
    """Close and seal what is being sent; last in its transaction, for sealing locks the chain."""
    ended = connection.scalars(
        sa.update(receipts)
        .where(which, receipts.c.state == "sending")
        .values(**values, done_at=now)
        .returning(receipts.c.id)
    )
    for row in sorted(ended):
        chain.seal(connection, "receipt", row, now)


def of_pull(connection: sa.Connection, pull_id: int) -> list[sa.Row[Any]]:
    return list(
        connection.execute(
            sa.select(receipts).where(receipts.c.pull_id == pull_id).order_by(receipts.c.id)
        )
    )
