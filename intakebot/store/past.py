"""Pull requests that were over before the house looked, and how far reading them has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from intakebot.core.metrics.past import PastPull
from intakebot.store.tables import backfills, past_pulls, pulls, repos
from intakebot.store.upsert import insert_new, insert_or_change


@dataclass(frozen=True, slots=True)
class Progress:
    """`next` is the number to be read next, going down; 0 when all that was asked for is read."""

    since: datetime | None
    next: int


def progress(connection: sa.Connection, repo_id: int) -> Progress | None:
    """None where nobody has ever asked."""
    row = connection.execute(
        sa.select(backfills).where(backfills.c.repo_id == repo_id)
    ).one_or_none()
    return Progress(row.since, row.next) if row else None


def advance(connection: sa.Connection, repo_id: int, reached: Progress) -> None:
    values = {"since": reached.since, "next": reached.next}
    insert_or_change(connection, backfills, {"repo_id": repo_id, **values}, values)


def keep(connection: sa.Connection, repo_id: int, found: PastPull) -> None:
    """One that is there already stays as it is: it was over."""
    insert_new(
        connection,
        past_pulls,
        {
            "repo_id": repo_id,
            "number": found.number,
            "author_id": found.author,
            "author_login": found.login,
            "title": found.title,
            "url": found.url,
            "opened_at": found.opened,
            "ended_at": found.ended,
            "merged": found.merged,
            "from_fork": found.from_fork,
            "asked": found.asked,
            "pushes": found.pushes,
            "talk": found.talk,
            "green": found.green,
        },
    )


def known(connection: sa.Connection, repo_id: int) -> set[int]:
    """Numbers that need not be read: kept already, or judged by the house itself."""
    kept = sa.select(past_pulls.c.number).where(past_pulls.c.repo_id == repo_id)
    looked = sa.select(pulls.c.number).where(
        pulls.c.repo_id == repo_id, pulls.c.looked_at.is_not(None)
    )
    return {*connection.scalars(kept), *connection.scalars(looked)}


def everything(connection: sa.Connection, repo_id: int | None = None) -> list[PastPull]:
    query = (
        sa.select(past_pulls, repos.c.forge, repos.c.name)
        .join(repos, repos.c.id == past_pulls.c.repo_id)
        .order_by(past_pulls.c.repo_id, past_pulls.c.number)
    )
    if repo_id is not None:
        query = query.where(past_pulls.c.repo_id == repo_id)
    return [
        PastPull(
            *(row.forge, row.name, row.number, row.author_id, row.author_login, row.title),
            *(row.url, row.opened_at, row.ended_at, row.merged, row.from_fork, row.pushes),
            *(row.asked, row.talk, row.green),
        )
        for row in connection.execute(query)
    ]
