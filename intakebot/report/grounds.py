"""What pull requests are counted by, beside their own evidence, and names for it.

A row that was written down (count.py) carries the name of its grounds. It is the name of what all
rows have in common and of what the roster and the checks say of those that this one relied on: so
who comes to the roster has their own pull requests counted again, and no others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from types import ModuleType

import sqlalchemy as sa

from intakebot.core import reportfile, workhours
from intakebot.core.metrics import code, counted, described, reverts, stories, table
from intakebot.core.metrics.stories import Known, Story
from intakebot.core.reportfile import Basis
from intakebot.core.workhours import Calendar
from intakebot.model import OVER, Group, Level, Outcome, State, VerdictState
from intakebot.report import whose
from intakebot.report.whose import Key
from intakebot.store import people
from intakebot.store import stories as evidence
from intakebot.store.memory import INCOMPLETE
from intakebot.store.people import Member

# Where it is defined what a pull request comes to.
_DEFINITIONS: tuple[ModuleType, ...] = (
    *(code, counted, described, reverts, stories, table),
    *(workhours, reportfile, evidence, people, whose),
)
_WORDS: tuple[type[Enum], ...] = (Group, Level, Outcome, State, VerdictState)


@dataclass(frozen=True, slots=True)
class Grounds:
    """`name` makes a SHA-256 out of what `relied` told of a pull request: the source of this
    program's definitions, report.toml, the secret, and what the roster and checks say of those."""

    known: Known
    roster: Sequence[Member]
    name: Callable[[str], str]


def grounds(connection: sa.Connection, basis: Basis, key: Key) -> Grounds | None:
    """None where nothing has been looked at yet."""
    as_of = evidence.as_of(connection)
    if as_of is None:
        return None
    roster = people.everybody(connection)
    known = Known(
        who=whose.whose(roster, key),
        ours=basis.calendar,
        theirs=basis.of,
        as_of=as_of,
        fields=basis.fields,
        tests=evidence.checks_that_test(connection),
    )
    return Grounds(known, roster, _namer(_of_all(basis, key), roster, known.tests))


def relied(story: Story) -> str:
    """Of whom and of which checks something else is asked to count it: accounts of its forge, and
    digests."""
    accounts = {story.author, *(act.account for act in story.acts)}
    return json.dumps([story.forge, sorted(accounts), story.failed], separators=(",", ":"))


def _namer(of_all: str, roster: Sequence[Member], tests: Collection[str]) -> Callable[[str], str]:
    members: Mapping[tuple[str, str], list[object]] = {
        (forge, account): _as_words_of(member)
        for member in roster
        for forge, account, _ in member.accounts
    }

    @cache  # a few people wrote most of it
    def name(told: str) -> str:
        forge, accounts, checks = json.loads(told)
        of_them = [members.get((forge, account)) for account in accounts]
        return _hashed([of_all, of_them, [check in tests for check in checks]])

    return name


def _of_all(basis: Basis, key: Key) -> str:
    calendars = {"": basis.calendar, **basis.agencies}
    words = {kind.__name__: [[one.name, one.value] for one in kind] for kind in _WORDS}
    states = [sorted(one.value for one in some) for some in (OVER, INCOMPLETE)]
    fields = [basis.fields.ticket, basis.fields.mentions]
    of_calendars = {agency: _as_words(calendar) for agency, calendar in calendars.items()}
    return _hashed([_definitions(), words, states, key.of("", ""), fields, of_calendars])


def _as_words(calendar: Calendar) -> list[object]:
    times = [str(calendar.begin), str(calendar.end)]
    return [str(calendar.zone), sorted(calendar.days), *times, sorted(map(str, calendar.holidays))]


def _as_words_of(member: Member) -> list[object]:
    held = [str(member.valid_from), str(member.valid_until)]
    return [member.id, member.group, member.agency, *held]


def _hashed(told: object) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@cache
def _definitions() -> str:
    sources = hashlib.sha256()
    for module in _DEFINITIONS:
        assert module.__file__ is not None  # noqa: S101 - each is a file of this program
        sources.update(Path(module.__file__).read_bytes())
    return sources.hexdigest()
