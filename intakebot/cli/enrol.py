"""From written entries to accounts and rows of the roster: planned whole, then written whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import sqlalchemy as sa

from intakebot import wiring
from intakebot.cli.main import house_at
from intakebot.core.rosterfile import BUILT_IN, BadRoster, Entry, Row, differences
from intakebot.model import OperatorError
from intakebot.settings import Settings
from intakebot.store import people, schema
from intakebot.store.database import Database
from intakebot.store.people import Member


@dataclass(frozen=True, slots=True)
class Step:
    """What one entry comes to. `account` and `person` are None while they have yet to be made."""

    entry: Entry
    account: str | None
    person: int | None
    row: Row
    changes: Sequence[str]

    @property
    def outcome(self) -> str:
        if self.person is None:
            return "added"
        return "changed" if self.changes else "unchanged"

    @property
    def is_new(self) -> bool:
        """Its account on the built-in forge has yet to be made."""
        return self.account is None


@contextmanager
def opened(state: Path | None, *, make: bool = False) -> Iterator[tuple[Settings, Database]]:
    """A house whose two databases are there and of this version."""
    settings = house_at(state, make=make)
    wiring.built_in_forge(settings).migrate()
    database = Database(settings.database_url)
    try:
        schema.upgrade(database, now=wiring.now())
        yield settings, database
    finally:
        database.close()


def _plan(
    members: Sequence[Member], entries: Sequence[Entry], accounts: Mapping[str, str]
) -> list[Step]:
    """`accounts` are the built-in forge's: login -> id. Raises BadRoster."""
    owners = {(forge, id): member for member in members for forge, id, _ in member.accounts}
    steps: list[Step] = []
    faults: list[str] = []
    first: dict[int, str] = {}
    for entry in entries:
        account = accounts.get(entry.login) if entry.forge == BUILT_IN else entry.account
        member = owners.get((entry.forge, account)) if account else None
        where = f"{entry.place}: " if entry.place else ""
        if entry.account and entry.account != account:
            cure = f"it is {account}" if account else "there is no such login yet; leave it out"
            faults.append(f"{where}account: {entry.account!r} is not that of {entry.login}; {cure}")
        if member and first.setdefault(member.id, entry.place) != entry.place:
            other = f"the same person as on {first[member.id]}, by `people link`"
            faults.append(f"{where}login: {entry.login} is {other}; keep one of the two")
        steps.append(_step(entry, account, member))
    if faults:
        raise BadRoster("\n".join(faults))
    return steps


def _step(entry: Entry, account: str | None, member: Member | None) -> Step:
    if member is None:
        row = replace(entry.row, name=entry.row.name or entry.login)
        return Step(entry, account, None, row, ())
    before = Row(
        member.name,
        member.group,
        member.agency,
        member.roles,
        member.valid_from,
        member.valid_until,
    )
    row = replace(entry.row, name=entry.row.name or member.name)
    changes = differences(before, row)
    if (entry.forge, account, entry.login) not in member.accounts:
        changes.append(f"login: now {entry.login}")
    return Step(entry, account, member.id, row, changes)


def planned(settings: Settings, database: Database, entries: Sequence[Entry]) -> list[Step]:
    with database.read() as connection:
        return _plan(people.everybody(connection), entries, accounts(settings))


def write(settings: Settings, database: Database, entries: Sequence[Entry]) -> list[Step]:
    """Make the missing accounts, then every row in one transaction; answers what was to be done.

    Killed in between, it leaves accounts that nobody has a token for; the next run goes on.
    """
    forge = wiring.built_in_forge(settings)
    steps = planned(settings, database, entries)
    for step in steps:
        if step.is_new:
            forge.add_person(step.entry.login, step.entry.row.name)
    known = accounts(settings)
    with database.write() as connection:
        for step in _plan(people.everybody(connection), entries, known):
            _keep(connection, step)
    return steps


def _keep(connection: sa.Connection, step: Step) -> None:
    if step.account is None:
        raise OperatorError(
            f"{step.entry.login}: its new account is gone again; run this once more"
        )
    person = step.person
    if person is None:
        person = people.add(connection, **asdict(step.row))
    elif step.changes:
        people.change(connection, person, **asdict(step.row))
    people.link(connection, person, step.entry.forge, step.account, step.entry.login)


def accounts(settings: Settings) -> dict[str, str]:
    """The built-in forge's: login -> id."""
    found = wiring.built_in_forge(settings).people()
    return {account["login"]: account["id"] for account in found}
