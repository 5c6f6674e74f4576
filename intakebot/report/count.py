"""Counts pull requests for reports, and writes down what those came to that are over.

A report is made of what was written down and of what is counted now. Both are the same: the store
forgets a row when its evidence changes, and its grounds have another name when anything else does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import sqlalchemy as sa

from intakebot.core.metrics import counted, stories
from intakebot.core.metrics.counted import Counted
from intakebot.core.metrics.stories import Story
from intakebot.core.reportfile import Basis, read_basis
from intakebot.crash import crashpoint
from intakebot.report.grounds import Grounds, grounds, relied
from intakebot.report.whose import Key
from intakebot.settings import Settings, report_text
from intakebot.store import counted as kept
from intakebot.store import stories as evidence
from intakebot.store.counted import Written
from intakebot.store.database import Database

# Stories on their way to be counted, and how many there are: somebody may watch them pass.
Watched = Callable[[Iterable[Story], int], Iterable[Story]]

AT_ONCE = 50  # in one transaction, so that nobody else waits long for their turn to write


def unwatched(found: Iterable[Story], number: int) -> Iterable[Story]:
    return found


def everything(
    connection: sa.Connection,
    on: Grounds,
    page: Callable[[str, int], str],
    watched: Watched = unwatched,
) -> Iterator[Counted]:
    """All pull requests, in no order. `page` tells the address of one."""
    read = set()
    for pull, written in kept.read(connection):
        if written.basis == on.name(written.relied):
            read.add(pull)
            yield counted.from_text(written.body, page)
    missing = [pull for pull in kept.to_count(connection) if pull not in read]
    found = evidence.stories(connection, page, missing)
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
        if on is None:
            return 0
        missing = iter(_not_written(connection, on))
    number = 0
    while ids := list(islice(missing, at_once)):
        with database.write() as connection:
            found = list(evidence.stories(connection, lambda repo, number: "", ids))
            kept.write(connection, {story.id: _written(story, on) for story in found})
            crashpoint("count.before_commit")
        number += len(found)
        crashpoint("count.after_commit")
    return number


def _not_written(connection: sa.Connection, on: Grounds) -> list[int]:
    """Those that are over and have no row, or one on other grounds."""
    there = {pull for pull, told, basis in kept.bases(connection) if basis == on.name(told)}
    return [pull for pull in kept.to_count(connection, only_over=True) if pull not in there]


def _written(story: Story, on: Grounds) -> Written:
    told = relied(story)
    return Written(told, on.name(told), counted.to_text(stories.count(story, on.known)))
