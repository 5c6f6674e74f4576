"""Commands people gave in comments, each with the decision that was made about it, once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from intakebot.model import Account, Command, Said
from intakebot.store.tables import words
from intakebot.store.upsert import insert_new


def of_pull(connection: sa.Connection, pull_id: int) -> list[Command]:
    """All decided commands of a pull request, in the order they were given."""
    rows = connection.execute(
        sa.select(words).where(words.c.pull_id == pull_id).order_by(words.c.seq, words.c.idx)
    )
    return [_command(row) for row in rows]


def keep(
    connection: sa.Connection, pull_id: int, commands: Iterable[Command], now: datetime
) -> None:
    """Add new decisions; one that is there already stays as it is."""
    for command in commands:
        insert_new(
            connection,
            words,
            {
                "pull_id": pull_id,
                "comment_id": command.comment,
                "idx": command.index,
                "name": command.name,
                "args": command.args,
                "account_id": command.by.id,
                "login": command.by.login,
                "display": command.by.name,
                "head": command.head,
                "target": command.target,
                "at": command.at,
                "seq": command.seq,
                "said": command.said.value,
                "answer": command.answer,
                "decided_at": now,
            },
        )


def withdraw(connection: sa.Connection, pull_id: int, comment_id: str, index: int) -> None:
    """The words are gone from the comment, or the comment is: they no longer count."""
    connection.execute(
        sa.update(words)
        .where(words.c.pull_id == pull_id, words.c.comment_id == comment_id)
        .where(words.c.idx == index)
        .values(live=False)
    )


def _command(row: sa.Row[Any]) -> Command:
    return Command(
        comment=row.comment_id,
        index=row.idx,
        name=row.name,
        args=row.args,
        by=Account(row.account_id, row.login, row.display),
        head=row.head,
        at=row.at,
        seq=row.seq,
        said=Said(row.said),
        answer=row.answer,
        live=row.live,
        target=row.target,
    )
