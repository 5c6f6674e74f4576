"""All that happened to one pull request, as it was written down, for people to read in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from intakebot.model import Account
from intakebot.store.listing import PullLine
from intakebot.store.tables import accounts, first_verdicts, happenings, people, words

# What the bot did, by the name of the effect in its receipt.
DONE = {
    "PostComment": "commented",
    "EditComment": "brought its comment up to date",
    "PostInline": "noted something on a line",
    "ResolveInline": "resolved a note",
    "SetStatus": "set the status",
    "SetReview": "gave its review",
    "PutReport": "put up a report",
    "Decline": "declined the pull request",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """`by` is "" for the bot itself; `mark` is a word of the pages, "" where none says it."""

    at: datetime
    by: str
    what: str
    head: str = ""
    mark: str = ""


def of_pull(
    connection: sa.Connection,
    line: PullLine,
    receipts: list[sa.Row[Any]],
    landing: sa.Row[Any] | None,
) -> list[Moment]:
    """Oldest first. Comments are left out: they stand on the page with their words."""
    found = [
        *_acts(connection, line),
        *_words(connection, line.id),
        *_verdicts(connection, line.id),
        *_sent(receipts),
        *_landed(landing),
    ]
    return sorted(found, key=lambda one: one.at)


def _acts(connection: sa.Connection, line: PullLine) -> list[Moment]:
    names = _names(connection, line)
    rows = connection.execute(
        sa.select(happenings)
        .where(happenings.c.pull_id == line.id, happenings.c.kind.in_(("push", "review")))
        .order_by(happenings.c.at, happenings.c.seq)
    )
    return [
        Moment(row.at, names.get(row.account_id, "somebody"), _acted(row), row.head) for row in rows
    ]


def _verdicts(connection: sa.Connection, pull_id: int) -> list[Moment]:
    """The first complete one on each commit."""
    rows = connection.execute(sa.select(first_verdicts).where(first_verdicts.c.pull_id == pull_id))
    return [Moment(row.at, "", f"judged it: {row.state}", row.head) for row in rows]


def _sent(rows: list[sa.Row[Any]]) -> list[Moment]:
    return [
        Moment(row.done_at or row.at, "", DONE.get(row.kind, row.kind), row.head, row.state)
        for row in rows
    ]


def _words(connection: sa.Connection, pull_id: int) -> list[Moment]:
    rows = connection.execute(sa.select(words).where(words.c.pull_id == pull_id))
    return [
        Moment(
            row.at,
            row.display or row.login,
            f"said /{row.name} {row.args}".strip(),
            row.head,
            row.said,
        )
        for row in rows
    ]


def _landed(landing: sa.Row[Any] | None) -> list[Moment]:
    if landing is None:
        return []
    ends = (
        (landing.landed_at, f"landed it on {landing.branch}"),
        (landing.deployed_at, f"put it on {landing.deploy_branch}"),
    )
    return [Moment(at, "", what, landing.commit, "done") for at, what in ends if at is not None]


def _acted(row: sa.Row[Any]) -> str:
    if row.kind == "push":
        return "pushed"
    return "approved" if row.state == "approved" else "asked for changes"


def _names(connection: sa.Connection, line: PullLine) -> dict[str, str]:
    """Account id -> what people call them, for the author and whoever is on the roster."""
    rows = connection.execute(
        sa.select(accounts.c.account_id, accounts.c.login, people.c.name)
        .join(people, people.c.id == accounts.c.person_id)
        .where(accounts.c.forge == line.repo.forge)
    )
    known = {row.account_id: Account(row.account_id, row.login, row.name).display for row in rows}
    return {line.author_id: line.author_login, **known}
