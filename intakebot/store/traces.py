"""Everything the database holds about somebody, wherever it is.

Each column of text is on one of three lists, and a test sees to it that none is on no list: what
says who somebody is, what people or programs wrote that may name them, and what names nobody.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from intakebot.core.erasure import Traces
from intakebot.store.tables import (
    accounts,
    counted,
    decisions,
    deliveries,
    entries,
    facts,
    follows,
    happenings,
    incidents,
    landings,
    lanes,
    letters,
    looks,
    metadata,
    opinions,
    past_pulls,
    people,
    pulls,
    receipts,
    remarks,
    repos,
    runs,
    sign_ins,
    words,
)

IDS: Mapping[sa.Table, tuple[str, ...]] = {
    accounts: ("account_id",),
    pulls: ("author_id",),
    happenings: ("account_id",),
    words: ("account_id",),
    entries: ("asked_by",),
    landings: ("author_id", "asked_by"),
    incidents: ("account_id", "acknowledged_by"),
    sign_ins: ("account_id",),
    past_pulls: ("author_id",),
    opinions: ("account_id",),
}
# Beside the id in the same row, a login or a name.
CALLED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("accounts", "account_id"): ("login",),
    ("pulls", "author_id"): ("author_login",),
    ("words", "account_id"): ("login", "display"),
    ("entries", "asked_by"): ("asked_login",),
    ("landings", "asked_by"): ("asked_login",),
    ("incidents", "account_id"): ("login",),
    ("past_pulls", "author_id"): ("author_login",),
}
# A person of the roster, by name.
BY_NAME: Mapping[sa.Table, tuple[str, ...]] = {
    people: ("name",),
    decisions: ("by",),
    remarks: ("by",),
}
PROSE: Mapping[sa.Table, tuple[str, ...]] = {
    pulls: ("title", "why", "problem"),
    looks: ("why", "verdicts", "findings", "checks"),
    words: ("args", "answer"),
    receipts: ("detail",),
    entries: ("why",),
    lanes: ("problem", "stuck", "frozen"),
    incidents: ("ref", "detail"),
    decisions: ("reason", "advice"),
    remarks: ("text",),
    runs: ("summary", "findings", "log", "answer"),
    follows: ("problem",),
    past_pulls: ("title",),
    letters: ("recipient", "subject", "body", "problem"),
}
# Their rows are treated as a whole: facts are named by their digest, deliveries lose their body,
# and what was counted is counted again.
WHOLE = (facts, deliveries, counted)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What still goes on about somebody, so that they can't be erased yet."""

    repo: str
    number: int
    what: str


def names_of(connection: sa.Connection, ids: Collection[tuple[str, str]]) -> set[str]:
    """Every login and name that these accounts (forge, id) are known to have had."""
    found: set[str] = set()
    for (table, column), called in CALLED.items():
        of = metadata.tables[table]
        query = sa.select(*(of.c[name] for name in called)).distinct()
        for row in connection.execute(query.where(theirs(of, column, ids))):
            found.update(row)
    named = sa.select(people.c.name).join(accounts, accounts.c.person_id == people.c.id)
    found.update(connection.scalars(named.where(theirs(accounts, "account_id", ids))))
    return found - {""}


def branches(connection: sa.Connection) -> set[str]:
    """Of all repositories, intake and deploy; words that are there for more than a login."""
    rows = connection.execute(sa.select(repos.c.intake, repos.c.deploy, repos.c.name))
    return {name for row in rows for name in row}


def unfinished(connection: sa.Connection, ids: Collection[tuple[str, str]]) -> Iterator[Unfinished]:
    """Their open pull requests, and those that wait to land because they asked for it."""
    base = sa.select(repos.c.name, pulls.c.number).join(repos, repos.c.id == pulls.c.repo_id)
    mine = base.where(pulls.c.open, theirs(pulls, "author_id", ids)).order_by(pulls.c.id)
    for row in connection.execute(mine):
        yield Unfinished(row.name, row.number, "is open")
    waiting = sa.and_(
        entries.c.state.in_(("queued", "testing", "landing")), theirs(entries, "asked_by", ids)
    )
    asked = base.join(entries, entries.c.pull_id == pulls.c.id).where(waiting)
    for row in connection.execute(asked.order_by(pulls.c.id)):
        yield Unfinished(row.name, row.number, "waits to land, and they asked for it")


# --- handing it out -------------------------------------------------------------------


def export(connection: sa.Connection, traces: Traces) -> dict[str, Any]:
    """Table -> rows that are about them, and how often others' rows mention them."""
    told: dict[str, Any] = {}
    for table, columns in IDS.items():
        whose = sa.or_(*(theirs(table, column, traces.ids) for column in columns))
        told[table.name] = _rows(connection, sa.select(table).where(whose), table)
    holder = sa.select(accounts.c.person_id).where(theirs(accounts, "account_id", traces.ids))
    told["people"] = _rows(connection, sa.select(people).where(people.c.id.in_(holder)), people)
    for table in (decisions, remarks):
        by = table.c.by.in_(traces.names)
        told[table.name] = _rows(connection, sa.select(table).where(by), table)
    own = sa.select(pulls.c.id).where(theirs(pulls, "author_id", traces.ids))
    told["looks"] = _rows(connection, sa.select(looks).where(looks.c.pull_id.in_(own)), looks)
    told["mentions"] = {
        f"{table.name}.{column}": count
        for table, columns in PROSE.items()
        for column in columns
        if (count := sum(1 for _ in mentioning(connection, table, column, traces)))
    }
    told["deliveries"] = len(telling(connection, traces))
    return told


def _rows(
    connection: sa.Connection, query: sa.Select[Any], table: sa.Table
) -> list[dict[str, Any]]:
    key = list(table.primary_key.columns)
    return [
        {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in row._mapping.items()
            if not name.startswith("lease_") and name != "token_sha256"
        }
        for row in connection.execute(query.order_by(*key))
    ]


# --- where it is ----------------------------------------------------------------------


def theirs(
    table: sa.Table, column: str, ids: Collection[tuple[str, str]]
) -> sa.ColumnElement[bool]:
    """Account ids mean something on their own forge alone."""
    return sa.or_(
        sa.false(),
        *(sa.and_(table.c[column] == account, _on(table, forge)) for forge, account in sorted(ids)),
    )


def _on(table: sa.Table, forge: str) -> sa.ColumnElement[bool]:
    if "forge" in table.c:
        return table.c.forge == forge
    here = sa.select(repos.c.id).where(repos.c.forge == forge)
    if "repo_id" in table.c:
        return table.c.repo_id.in_(here)
    return table.c.pull_id.in_(sa.select(pulls.c.id).where(pulls.c.repo_id.in_(here)))


def mentioning(
    connection: sa.Connection, table: sa.Table, column: str, traces: Traces
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Keys of the rows that name them there, each with what would stand there instead."""
    if not traces.in_prose:
        return
    key = list(table.primary_key.columns)
    of = table.c[column]
    # The database narrows it down, by what a name looks like in JSON; then every word counts.
    near = sa.or_(
        *(
            sa.cast(of, sa.Text).icontains(looks_like, autoescape=True)
            for name in traces.in_prose
            for looks_like in sorted({name, json.dumps(name)[1:-1]})
        )
    )
    query = sa.select(*key, of.label("told")).where(near).order_by(*key)
    for row in connection.execute(query).all():
        instead = traces.value(row.told)
        if instead != row.told:
            yield tuple(row)[:-1], instead


def telling(connection: sa.Connection, traces: Traces) -> list[int]:
    """Those that tell of them: whatever their accounts did, and every body that names them."""
    needles = [name.encode().lower() for name in traces.in_prose]
    needles += [json.dumps(name)[1:-1].encode().lower() for name in traces.in_prose]
    pieces = {"yield_per": 200}
    found = []
    query = sa.select(
        deliveries.c.id, deliveries.c.forge, deliveries.c.actor, deliveries.c.body
    ).order_by(deliveries.c.id)
    for row in connection.execute(query, execution_options=pieces):
        body = row.body.lower()
        if (row.forge, row.actor) in traces.ids or any(needle in body for needle in needles):
            found.append(row.id)
    return found
