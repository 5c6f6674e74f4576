"""Check runs that another machine does: on which commit and branch, and what is cleared away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from intakebot.store import leases
from intakebot.store.runs import Tried
from intakebot.store.tables import pulls, run_wants, runs

LIVE = ("queued", "running")


@dataclass(frozen=True, slots=True)
class Wanting:
    """One pull request that waits for the run, and its head."""

    number: int
    head: str


@dataclass(frozen=True, slots=True)
class Left:
    """A branch that a run has left behind, and the fence of who clears it away."""

    repo_id: int
    branch: str
    fence: int


def wanting(connection: sa.Connection, run_id: int) -> Wanting | None:
    """The oldest; None when nobody waits any more."""
    row = connection.execute(
        sa.select(pulls.c.number, pulls.c.head)
        .join(run_wants, run_wants.c.pull_id == pulls.c.id)
        .where(run_wants.c.run_id == run_id)
        .order_by(pulls.c.number)
        .limit(1)
    ).one_or_none()
    return Wanting(row.number, row.head) if row else None


def beside(connection: sa.Connection, run_id: int, branch: str) -> Tried | None:
    """What another live run tries of the same tree: one build may answer several checks."""
    mine = sa.select(runs.c.repo_id, runs.c.tree).where(runs.c.id == run_id).subquery()
    row = connection.execute(
        sa.select(runs.c.tried, runs.c.branch, runs.c.called_at)
        .where(runs.c.repo_id == mine.c.repo_id, runs.c.tree == mine.c.tree)
        .where(runs.c.id != run_id, runs.c.state.in_(LIVE), runs.c.branch == branch)
        .limit(1)
    ).one_or_none()
    return Tried(row.tried, row.branch, row.called_at) if row else None


def keep(connection: sa.Connection, run_id: int, fence: int, tried: Tried) -> bool:
    """Before it is pushed, so that whatever comes of it is cleared away, and again when it has
    been. False when the lease was lost."""
    changed = connection.execute(
        sa.update(runs)
        .where(runs.c.id == run_id, runs.c.lease_fence == fence)
        .values(tried=tried.commit, branch=tried.branch, called_at=tried.since)
    )
    return changed.rowcount == 1


def wait(
    connection: sa.Connection, run_id: int, fence: int, until: datetime, patience: timedelta
) -> None:
    """Give the lease back; the sweep rings again at `until`."""
    connection.execute(
        sa.update(runs)
        .where(runs.c.id == run_id, runs.c.lease_fence == fence)
        .values(state="queued", lease_until=None, asked_at=until - patience)
    )


def left_behind(
    connection: sa.Connection, run_id: int, owner: str, now: datetime, ttl: timedelta
) -> Left | None:
    """Of a run that is over and whose branch is still to be deleted; takes its lease."""
    row = connection.execute(
        sa.select(runs.c.repo_id, runs.c.branch, runs.c.state).where(runs.c.id == run_id)
    ).one_or_none()
    if row is None or not row.branch or row.state in LIVE:
        return None
    fence = leases.claim(connection, runs, run_id, owner, now, ttl)
    return None if fence is None else Left(row.repo_id, row.branch, fence)


def is_used(connection: sa.Connection, repo_id: int, branch: str) -> bool:
    """Whether a live run of this repository still waits for what stands on it."""
    query = sa.select(runs.c.id).where(
        runs.c.repo_id == repo_id, runs.c.branch == branch, runs.c.state.in_(LIVE)
    )
    return connection.scalar(query.limit(1)) is not None


def forget(connection: sa.Connection, run_id: int, fence: int) -> None:
    """Its branch is gone, or another's by now."""
    connection.execute(
        sa.update(runs)
        .where(runs.c.id == run_id, runs.c.lease_fence == fence)
        .values(branch="", lease_until=None)
    )


def answer(
    connection: sa.Connection, run_id: int, commit: str, hook: str, said: Mapping[str, str]
) -> bool:
    """Keep what a QA hook answers; False where no live run of its waits for this commit.

    What has ended stays so: an answer that comes twice, or after another, changes nothing.
    """
    row = connection.execute(
        sa.select(runs.c.definition, runs.c.answer)
        .where(runs.c.id == run_id, runs.c.tried == commit, runs.c.state.in_(LIVE))
        .with_for_update()
    ).one_or_none()
    if row is None or not commit or row.definition.get("http") != hook:
        return False
    if row.answer is None or row.answer["state"] == "pending":
        connection.execute(sa.update(runs).where(runs.c.id == run_id).values(answer=dict(said)))
    return True


def answer_to(connection: sa.Connection, run_id: int) -> Mapping[str, str] | None:
    found: Mapping[str, str] | None = connection.scalar(
        sa.select(runs.c.answer).where(runs.c.id == run_id)
    )
    return found
