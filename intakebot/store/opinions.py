"""Reviewers' answers to one question, from 1 to 5. Who gave which is told to nobody else."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from intakebot.store.tables import opinions
from intakebot.store.upsert import insert_or_change


def give(
    connection: sa.Connection, pull_id: int, account_id: str, score: int, at: datetime
) -> None:
    """In the place of what the same account said before."""
    said = {"score": score, "at": at}
    row = {"pull_id": pull_id, "account_id": account_id, **said}
    insert_or_change(connection, opinions, row, said)


def take_back(connection: sa.Connection, pull_id: int, account_id: str) -> None:
    connection.execute(
        sa.delete(opinions).where(
            opinions.c.pull_id == pull_id, opinions.c.account_id == account_id
        )
    )


def own(connection: sa.Connection, pull_id: int, account_id: str) -> int | None:
    """What this account said."""
    return connection.scalar(
        sa.select(opinions.c.score).where(
            opinions.c.pull_id == pull_id, opinions.c.account_id == account_id
        )
    )
