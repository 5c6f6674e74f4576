"""One pull request as pages and API show it: what is remembered, what git has, what the forge says.

Only the memory is needed. When the mirror or the forge can't be read, that part says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any

import sqlalchemy as sa

from intakebot import log
from intakebot.flow.house import House
from intakebot.model import Command, OperatorError, Pull, TryLater
from intakebot.repo.change import merge_tree
from intakebot.repo.git import Git, GitFailed
from intakebot.store import lanes, pages, receipts, timeline, version, words
from intakebot.store.listing import PullLine
from intakebot.store.pages import Check, Evidence, FirstVerdict
from intakebot.store.timeline import Moment
from intakebot.web import since
from intakebot.web.diff import Diff, read_diff
from intakebot.web.visitor import asking_forge

# Somebody else's large change must not take every thread and all the memory.
READING = BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the database knows of one pull request."""

    line: PullLine
    evidence: Evidence | None
    first_verdict: FirstVerdict | None
    moments: list[Moment]  # what people and the bot did, in order
    commands: list[Command]
    receipts: list[sa.Row[Any]]
    landing: sa.Row[Any] | None
    entry: lanes.EntryRow | None
    position: int  # in its lane, from 1; 0 when it does not wait
    version: tuple[object, ...]  # changes when any of this does


def remember(connection: sa.Connection, line: PullLine) -> Remembered:
    landing = lanes.landing_of_pull(connection, line.id)
    sent = receipts.of_pull(connection, line.id)
    entry = lanes.entry_of(connection, line.id)
    ahead = lanes.waiting(connection, entry.lane_id) if entry else []
    return Remembered(
        line=line,
        evidence=pages.evidence(connection, line),
        first_verdict=pages.first_verdict(connection, line.id, line.head),
        moments=timeline.of_pull(connection, line, sent, landing),
        commands=words.of_pull(connection, line.id),
        receipts=sent,
        landing=landing,
        entry=entry,
        position=sum(one.id <= entry.id for one in ahead) if entry else 0,
        version=version.of_pull(connection, line.id),
    )


def ask_forge(house: House, line: PullLine) -> tuple[Pull | None, str]:
    """The pull request as the forge has it now, or why that can't be shown."""
    forge = house.forges.get(line.repo.forge)
    if forge is None:
        return None, "Its forge is no longer set up here."
    try:
        with asking_forge():
            pull = forge.pull(line.repo.id, line.number)
    except (TryLater, OperatorError) as error:
        log.warning("page without the forge", repo=line.repo.name, why=str(error))
        return None, "The forge can't be asked right now, so comments are not shown."
    return pull, "" if pull else "The forge no longer has this pull request."


def checks_of(house: House, seen: Evidence | None) -> list[Check] | None:
    """What became of the checks that the change needs; None where that was not kept yet."""
    if seen is None:
        return []
    if seen.checks is None:
        return None
    with house.database.read() as connection:
        return pages.checks_told(connection, seen.checks)


def diff_of(house: House, seen: Evidence | None, line: PullLine, then: str = "") -> Diff | str:
    """The diff that the last look judged, or why it can't be shown; with `then`, what changed
    since the pull request was at that commit."""
    if seen is None or not seen.base:
        return "There is nothing to compare yet."
    if not READING.acquire(timeout=2):
        return NOT_NOW
    try:
        git = house.mirror(line.repo).git
        if then:
            return read_diff(git, *since.sides(git, seen.base, then, seen.head), seen.findings)
        bases = git.run("merge-base", "--all", seen.base, seen.head, ok=(0, 1)).decode().split()
        if not bases:
            return "The two histories have nothing in common, so there is no diff."
        return read_diff(git, *_compared(git, seen, bases), seen.findings)
    except (GitFailed, TryLater, OperatorError, ValueError) as error:
        log.warning("diff not shown", repo=line.repo.name, number=line.number, why=str(error))
        return NOT_NOW
    finally:
        READING.release()


def _compared(git: Git, seen: Evidence, bases: Sequence[str]) -> tuple[str, str]:
    """What is shown against what. Where the histories cross, a single base may hide what landing
    this would take back, so what it would change is shown, if it can land at all."""
    if len(bases) > 1:
        result, _ = merge_tree(git, seen.base, seen.head)
        if result is not None:
            return seen.base, result
    return bases[0], seen.head


NOT_NOW = "The diff can't be read right now; reload in a moment."
