"""The roster: who an account is, from when until when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from intakebot.model import Account, Group, Person, Role
from intakebot.store.tables import accounts, people


@dataclass(frozen=True, slots=True)
class Member:
    """One line of the roster. `accounts` are (forge, account id, login)."""

    id: int
    name: str
    group: Group
    agency: str
    roles: frozenset[Role]
    valid_from: datetime | None
    valid_until: datetime | None
    accounts: tuple[tuple[str, str, str], ...]

    def holds(self, at: datetime) -> bool:
        return _valid(self, at)


def add(
    connection: sa.Connection,
    *,
    name: str,
    group: Group,
    agency: str,
    roles: Iterable[Role],
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> int:
    person_id = connection.scalar(
        sa.insert(people)
        .values(
            name=name,
            group=group.value,
            agency=agency,
            roles=sorted(role.value for role in roles),
            valid_from=valid_from,
            valid_until=valid_until,
        )
        .returning(people.c.id)
    )
    assert person_id is not None  # noqa: S101 - an insert returns its row
    return int(person_id)


def change(
    connection: sa.Connection,
    person_id: int,
    *,
    name: str,
    group: Group,
    agency: str,
    roles: Iterable[Role],
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> None:
    connection.execute(
        sa.update(people)
        .where(people.c.id == person_id)
        .values(
            name=name,
            group=group.value,
            agency=agency,
            roles=sorted(role.value for role in roles),
            valid_from=valid_from,
            valid_until=valid_until,
        )
    )


def link(
    connection: sa.Connection, person_id: int, forge: str, account_id: str, login: str
) -> None:
    """One account belongs to one person; linking it again moves it."""
    connection.execute(
        sa.delete(accounts).where(accounts.c.forge == forge, accounts.c.account_id == account_id)
    )
    connection.execute(
        sa.insert(accounts).values(
            forge=forge, account_id=account_id, login=login, person_id=person_id
        )
    )


def linked(connection: sa.Connection, forge: str, account_id: str) -> int | None:
    """The id of the person behind this account."""
    return connection.scalar(
        sa.select(accounts.c.person_id).where(
            accounts.c.forge == forge, accounts.c.account_id == account_id
        )
    )


def who(connection: sa.Connection, forge: str, account: Account, now: datetime) -> Person:
    """The account with what the roster says of it now; an outsider when it says nothing."""
    row = connection.execute(
        sa.select(people)
        .join(accounts, accounts.c.person_id == people.c.id)
        .where(accounts.c.forge == forge, accounts.c.account_id == account.id)
    ).one_or_none()
    if row is None or not _valid(row, now):
        return Person(account)
    return Person(account, Group(row.group), row.agency, frozenset(map(Role, row.roles)))


def with_roles(
    connection: sa.Connection, forge: str, roles: frozenset[Role], now: datetime
) -> list[Person]:
    """Everybody on this forge who has one of these roles now, by login."""
    rows = connection.execute(
        sa.select(people, accounts.c.account_id, accounts.c.login)
        .join(accounts, accounts.c.person_id == people.c.id)
        .where(accounts.c.forge == forge)
        .order_by(accounts.c.login)
    )
    return [
        Person(
            Account(row.account_id, row.login, row.name),
            Group(row.group),
            row.agency,
            frozenset(map(Role, row.roles)),
        )
        for row in rows
        if _valid(row, now) and roles & frozenset(map(Role, row.roles))
    ]


def everybody(connection: sa.Connection) -> list[Member]:
    known: dict[int, list[tuple[str, str, str]]] = {}
    for row in connection.execute(sa.select(accounts).order_by(accounts.c.forge, accounts.c.login)):
        known.setdefault(row.person_id, []).append((row.forge, row.account_id, row.login))
    rows = connection.execute(sa.select(people).order_by(people.c.name, people.c.id))
    return [
        Member(
            row.id,
            row.name,
            Group(row.group),
            row.agency,
            frozenset(map(Role, row.roles)),
            row.valid_from,
            row.valid_until,
            tuple(known.get(row.id, ())),
        )
        for row in rows
    ]


def _valid(row: sa.Row[Any] | Member, now: datetime) -> bool:
    return (row.valid_from is None or row.valid_from <= now) and (
        row.valid_until is None or now < row.valid_until
    )
