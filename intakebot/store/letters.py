"""Letters to people outside of the pages. Each is written once, and tried until it is over."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from intakebot.store.tables import letters
from intakebot.store.upsert import insert_new


def write(
    connection: sa.Connection, key: str, recipient: str, subject: str, body: str, at: datetime
) -> bool:
    """False where there was one with this key already."""
    row = {"key": key, "recipient": recipient, "subject": subject, "body": body, "at": at}
    return insert_new(connection, letters, row | {"tries": 0, "due_at": at, "problem": ""})


def is_any_due(connection: sa.Connection, now: datetime) -> bool:
    due = sa.select(letters.c.id).where(letters.c.due_at <= now).limit(1)
    return connection.scalar(due) is not None


def take(connection: sa.Connection, now: datetime, until: datetime) -> sa.Row[Any] | None:
    """The one that has been due longest, due again at `until`, should whoever took it end before
    that: id, key, recipient, subject, body, at, tries."""
    oldest = (
        sa.select(letters).where(letters.c.due_at <= now).order_by(letters.c.due_at, letters.c.id)
    )
    row = connection.execute(oldest.limit(1)).first()
    if row is None:
        return None
    change = (
        sa.update(letters)
        .where(letters.c.id == row.id, letters.c.due_at == row.due_at)
        .values(due_at=until, tries=letters.c.tries + 1)
    )
    return row if connection.execute(change).rowcount else None  # else somebody was quicker


def sent(connection: sa.Connection, letter: int, at: datetime) -> None:
    _change(connection, letter, due_at=None, sent_at=at, problem="")


def fail(connection: sa.Connection, letter: int, problem: str, again: datetime | None) -> None:
    """`again` is None where it is given up."""
    _change(connection, letter, due_at=again, problem=problem)


def put_off(connection: sa.Connection, now: datetime, until: datetime) -> None:
    connection.execute(sa.update(letters).where(letters.c.due_at <= now).values(due_at=until))


def forget(connection: sa.Connection, before: datetime) -> int:
    """How many went: those of before then that are over."""
    old = sa.delete(letters).where(letters.c.due_at.is_(None), letters.c.at < before)
    return connection.execute(old).rowcount


def _change(connection: sa.Connection, letter: int, **values: object) -> None:
    connection.execute(sa.update(letters).where(letters.c.id == letter).values(values))


def unsent(connection: sa.Connection) -> list[sa.Row[Any]]:
    """Those that had a problem and have not gone, oldest first: recipient, subject, at, due_at,
    problem."""
    query = sa.select(letters).where(letters.c.sent_at.is_(None), letters.c.problem != "")
    return list(connection.execute(query.order_by(letters.c.id)))
