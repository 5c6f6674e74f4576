"""Counters and leases: nothing due is forgotten, nobody works on what another holds."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from intakebot.store import leases, work
from intakebot.store.tables import pulls
from tests.store.conftest import NOW

TTL = timedelta(seconds=20)
PATIENCE = timedelta(seconds=4)


@pytest.fixture
def pull(connection: sa.Connection) -> int:
    return work.pull_row(connection, work.repo_row(connection, "git", "1"), 7, NOW)


def test_a_row_is_made_once(connection: sa.Connection, pull: int) -> None:
    assert work.pull_row(connection, work.repo_row(connection, "git", "1"), 7, NOW) == pull


def test_a_nudge_that_comes_during_the_work_leaves_the_row_due(
    connection: sa.Connection, pull: int
) -> None:
    work.nudge(connection, pulls, pull, NOW)
    fence = leases.claim(connection, pulls, pull, "me", NOW, TTL)
    assert fence is not None
    wanted = work.wanted(connection, pulls, pull)
    work.nudge(connection, pulls, pull, NOW)
    assert work.finish(connection, pulls, pull, fence, wanted)
    assert work.is_due(connection, pulls, pull, NOW)


def test_a_row_that_is_held_is_given_to_nobody_else(connection: sa.Connection, pull: int) -> None:
    assert leases.claim(connection, pulls, pull, "me", NOW, TTL) == 1
    assert leases.claim(connection, pulls, pull, "you", NOW + TTL / 2, TTL) is None


def test_who_was_paused_past_the_lease_writes_nothing(connection: sa.Connection, pull: int) -> None:
    work.nudge(connection, pulls, pull, NOW)
    old = leases.claim(connection, pulls, pull, "me", NOW, TTL)
    later = NOW + TTL + timedelta(seconds=1)
    new = leases.claim(connection, pulls, pull, "you", later, TTL)
    assert (old, new) == (1, 2)
    assert old is not None and new is not None
    assert not leases.renew(connection, pulls, pull, old, later, TTL)
    assert not work.finish(connection, pulls, pull, old, 1)
    assert not leases.release(connection, pulls, pull, old)
    assert leases.renew(connection, pulls, pull, new, later, TTL)


def test_a_nudge_that_nobody_heard_is_found_after_the_patience(
    connection: sa.Connection, pull: int
) -> None:
    work.nudge(connection, pulls, pull, NOW)
    assert work.overdue(connection, pulls, NOW + PATIENCE / 2, PATIENCE) == []
    assert work.overdue(connection, pulls, NOW + PATIENCE * 2, PATIENCE) == [pull]


def test_work_that_failed_comes_back_at_its_own_time_and_not_before(
    connection: sa.Connection, pull: int
) -> None:
    work.nudge(connection, pulls, pull, NOW)
    fence = leases.claim(connection, pulls, pull, "me", NOW, TTL)
    assert fence is not None
    until = NOW + timedelta(minutes=2)
    work.postpone(connection, pulls, pull, fence, until, PATIENCE)
    second = timedelta(seconds=1)
    assert work.overdue(connection, pulls, until - second, PATIENCE) == []
    assert work.overdue(connection, pulls, until + second, PATIENCE) == [pull]


def test_work_that_failed_at_its_own_time_waits_for_the_new_one(
    connection: sa.Connection, pull: int
) -> None:
    fence = leases.claim(connection, pulls, pull, "me", NOW, TTL)
    assert fence is not None
    work.finish(connection, pulls, pull, fence, 0, look_at=NOW)
    again = leases.claim(connection, pulls, pull, "me", NOW, TTL)
    assert again is not None
    until = NOW + timedelta(minutes=2)
    work.postpone(connection, pulls, pull, again, until, PATIENCE)
    assert not work.is_due(connection, pulls, pull, until - timedelta(seconds=1))
    assert work.is_due(connection, pulls, pull, until)


def test_a_time_that_has_come_makes_a_row_due_by_itself(
    connection: sa.Connection, pull: int
) -> None:
    fence = leases.claim(connection, pulls, pull, "me", NOW, TTL)
    assert fence is not None
    opens = NOW + timedelta(hours=1)
    work.finish(connection, pulls, pull, fence, 0, look_at=opens)
    assert not work.is_due(connection, pulls, pull, NOW)
    assert work.is_due(connection, pulls, pull, opens)
    assert work.overdue(connection, pulls, opens, PATIENCE) == [pull]
