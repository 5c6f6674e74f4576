"""Counts pull requests for reports, and writes down what those came to that are over.

A report is made of what was written down and of what is counted now. Both are the same: the store
forgets a row when its evidence changes, and the grounds have another name when anything else does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import sqlalchemy as sa

from intakebot import model
from intakebot.core import reportfile, workhours
from intakebot.core.metrics import code, counted, described, reverts, stories, table
from intakebot.core.metrics.counted import Counted
from intakebot.core.metrics.stories import Known, Story
from intakebot.core.reportfile import Basis, read_basis
from intakebot.core.workhours import Calendar
from intakebot.crash import crashpoint
from intakebot.report import whose
from intakebot.report.whose import Key
from intakebot.settings import Settings, report_text
from intakebot.store import counted as kept
from intakebot.store import memory, people
from intakebot.store import stories as evidence
from intakebot.store.database import Database
from intakebot.store.people import Member

# Stories on their way to be counted, and how many there are: somebody may watch them pass.
Watched = Callable[[Iterable[Story], int], Iterable[Story]]

AT_ONCE = 50  # in one transaction, so that nobody else waits long for their turn to write

# Where it is defined what a pull request comes to.
_DEFINITIONS: tuple[ModuleType, ...] = (
    *(code, counted, described, reverts, stories, table),
    *(workhours, reportfile, evidence, memory, whose, model),
)


@dataclass(frozen=True, slots=True)
class Grounds:
    """What all pull requests are counted by, beside their own evidence: this program's definitions,
    report.toml, the roster, and `tests`, the checks that run tests. `name` is a SHA-256 of it."""

    known: Known
    roster: Sequence[Member]
    tests: Collection[str]
    name: str


def grounds(connection: sa.Connection, basis: Basis, key: Key) -> Grounds | None:
    """None where nothing has been looked at yet."""
    as_of = evidence.as_of(connection)
    if as_of is None:
        return None
    roster = people.everybody(connection)
    tests = evidence.checks_that_test(connection)
    calendars = {"": basis.calendar, **basis.agencies}
    told = [
        *(_definitions(), key.of("", ""), sorted(tests)),
        *(basis.fields.ticket, basis.fields.mentions),
        {agency: _as_words(calendar) for agency, calendar in calendars.items()},
        [_as_words_of(member) for member in roster],
    ]
    name = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    who = whose.whose(roster, key)
    known = Known(who, basis.calendar, basis.of, as_of, basis.fields)
    return Grounds(known, roster, tests, name)


def unwatched(found: Iterable[Story], number: int) -> Iterable[Story]:
    return found


def everything(
    connection: sa.Connection,
    on: Grounds,
    page: Callable[[str, int], str],
    watched: Watched = unwatched,
) -> Iterator[Counted]:
    """All pull requests, in no order. `page` tells the address of one."""
    for body in kept.read(connection, on.name):
        yield counted.from_text(body, page)
    missing = kept.not_written(connection, on.name)
    found = evidence.stories(connection, page, missing, on.tests)
    for story in watched(found, len(missing)):
        yield stories.count(story, on.known)


def of_house(database: Database, settings: Settings) -> int:
    """As `write_down`, by the operator's own report.toml. Raises OperatorError where that is
    malformed."""
    basis = read_basis(report_text(settings))
    return write_down(database, basis, Key(settings.session_secret))


def write_down(database: Database, basis: Basis, key: Key, at_once: int = AT_ONCE) -> int:
    """What those come to that are over; how many were written. Safe to be ended at any moment.

    `at_once` of them are read and written in one transaction.
    """
    with database.read() as connection:
        on = grounds(connection, basis, key)
    written, after = 0, 0
    while on is not None:
        with database.write() as connection:
            ids = kept.over(connection, on.name, after, at_once)
            found = evidence.stories(connection, lambda repo, number: "", ids, on.tests)
            rows = {story.id: counted.to_text(stories.count(story, on.known)) for story in found}
            kept.write(connection, on.name, rows)
            crashpoint("count.before_commit")
        written += len(rows)
        crashpoint("count.after_commit")
        if len(ids) < at_once:
            break
        after = ids[-1]
    return written


def _as_words(calendar: Calendar) -> list[object]:
    times = [str(calendar.begin), str(calendar.end)]
    return [str(calendar.zone), sorted(calendar.days), *times, sorted(map(str, calendar.holidays))]


def _as_words_of(member: Member) -> list[object]:
    held = [str(member.valid_from), str(member.valid_until)]
    accounts = sorted((forge, account) for forge, account, _ in member.accounts)
    return [member.id, member.group, member.agency, *held, accounts]


@cache
def _definitions() -> str:
    sources = hashlib.sha256()
    for module in _DEFINITIONS:
        assert module.__file__ is not None  # noqa: S101 - each is a file of this program
        sources.update(Path(module.__file__).read_bytes())
    return sources.hexdigest()
