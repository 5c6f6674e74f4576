"""Takes somebody's name out of everything that the database holds, and leaves every total."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from intakebot.core.erasure import Traces
from intakebot.store import chain, counted
from intakebot.store.memory import digest
from intakebot.store.tables import (
    accounts,
    decisions,
    deliveries,
    facts,
    landings,
    looks,
    people,
    receipts,
    remarks,
)
from intakebot.store.traces import CALLED, IDS, PROSE, mentioning, telling, theirs
from intakebot.store.upsert import insert_new


def erase(connection: sa.Connection, traces: Traces, now: datetime) -> Counter[str]:
    """Put the stand-in wherever they are named; how many rows of each table changed.

    Their person and accounts stay on the roster under the stand-in, until now, so that every
    total stays what it was. Sealed rows that change are owned up to in the chain.
    """
    changed: dict[str, set[Any]] = {}
    _rename_people(connection, traces, now, changed)  # while their accounts still tell who
    _rename_accounts(connection, traces, changed)
    for table, columns in PROSE.items():
        for column in columns:
            for key, value in list(mentioning(connection, table, column, traces)):
                _set(connection, table, key, {column: value})
                changed.setdefault(table.name, set()).add(key)
    _rewrite_facts(connection, traces, changed)
    _forget_bodies(connection, traces, changed)
    sealed = {
        name: {key[0] for key in changed.get(name, ())} for name in (receipts.name, landings.name)
    }
    chain.rewrite(connection, traces.stand_in, sealed, now)
    counted.forget(connection)  # it names titles, and people by other names
    return Counter({name: len(keys) for name, keys in changed.items()})


def _rename_people(
    connection: sa.Connection, traces: Traces, now: datetime, changed: dict[str, set[Any]]
) -> None:
    holder = sa.select(accounts.c.person_id).where(theirs(accounts, "account_id", traces.ids))
    for row in connection.execute(sa.select(people).where(people.c.id.in_(holder))).all():
        until = min(row.valid_until or now, now)
        _set(connection, people, (row.id,), {"name": traces.stand_in, "valid_until": until})
        changed.setdefault("people", set()).add((row.id,))
    for table in (decisions, remarks):
        by = sa.select(table.c.id).where(table.c.by.in_(traces.names))
        for id in connection.scalars(by).all():
            _set(connection, table, (id,), {"by": traces.stand_in})
            changed.setdefault(table.name, set()).add((id,))


def _rename_accounts(
    connection: sa.Connection, traces: Traces, changed: dict[str, set[Any]]
) -> None:
    for table, columns in IDS.items():
        if table is accounts:
            continue  # the last, for it says whose the others are
        for column in columns:
            _stand_in(connection, table, column, traces, changed)
    _stand_in(connection, accounts, "account_id", traces, changed)


def _stand_in(
    connection: sa.Connection,
    table: sa.Table,
    column: str,
    traces: Traces,
    changed: dict[str, set[Any]],
) -> None:
    key = list(table.primary_key.columns)
    rows = connection.execute(sa.select(*key).where(theirs(table, column, traces.ids))).all()
    for at, row in enumerate(rows):
        # Two accounts on one forge must not become one key.
        made = f"{traces.stand_in}-{at}" if table is accounts and at else traces.stand_in
        values = {name: traces.stand_in for name in CALLED.get((table.name, column), ())}
        _set(connection, table, tuple(row), {column: made, **values})
        changed.setdefault(table.name, set()).add(tuple(row))


def _rewrite_facts(connection: sa.Connection, traces: Traces, changed: dict[str, set[Any]]) -> None:
    """They are named by their digest, so that whatever points at them has to follow."""
    for (old,), body in list(mentioning(connection, facts, "body", traces)):
        new = digest(body)
        insert_new(connection, facts, {"digest": new, "body": body})
        for table in (looks, landings):
            uses = sa.select(table.c.id).where(table.c.facts_digest == old)
            for id in connection.scalars(uses).all():
                _set(connection, table, (id,), {"facts_digest": new})
                changed.setdefault(table.name, set()).add((id,))
        connection.execute(sa.delete(facts).where(facts.c.digest == old))
        changed.setdefault("facts", set()).add((old,))


def _forget_bodies(connection: sa.Connection, traces: Traces, changed: dict[str, set[Any]]) -> None:
    for id in telling(connection, traces):
        _set(connection, deliveries, (id,), {"body": b"", "headers": {}, "actor": ""})
        changed.setdefault("deliveries", set()).add((id,))


def _set(
    connection: sa.Connection, table: sa.Table, key: tuple[Any, ...], values: dict[str, Any]
) -> None:
    columns = table.primary_key.columns
    is_it = [column == value for column, value in zip(columns, key, strict=True)]
    connection.execute(sa.update(table).where(*is_it).values(**values))
