"""Check runs by (definition digest, tree): asked for, worked on under a lease, kept for ever."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from intakebot.core.checking import Checked, Task, Tasks
from intakebot.model import (
    CheckDefinition,
    CheckResult,
    Finding,
    Fix,
    Level,
    Outcome,
    PrepareStep,
)
from intakebot.store import leases, work
from intakebot.store.tables import pulls, run_wants, runs
from intakebot.store.upsert import insert_new


@dataclass(frozen=True, slots=True)
class Tried:
    """Where another machine builds it: the commit, the branch that it stands on, since when.

    `since` is None until the push is known to have been done.
    """

    commit: str
    branch: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class RunRow:
    """The newest run of one check on one tree. `result` is None until it is done."""

    id: int
    repo_id: int
    tree: str
    state: str
    definition: CheckDefinition
    result: CheckResult | None
    tried: Tried | None = None


def newest(connection: sa.Connection, tasks: Iterable[Task]) -> Mapping[str, RunRow]:
    """Definition digest -> its newest run on its tree, cancelled ones aside; one tree for each."""
    pairs = [(task.check.digest, task.tree) for task in tasks]
    if not pairs:
        return {}
    rows = connection.execute(
        sa.select(runs)
        .where(sa.tuple_(runs.c.digest, runs.c.tree).in_(pairs), runs.c.state != "cancelled")
        .order_by(runs.c.generation)
    )
    return {row.digest: _run(row) for row in rows}


def proof(connection: sa.Connection, tasks: Tasks, checked: Checked) -> tuple[int, ...]:
    """The ids of the runs whose results count: on the change's tree, and on the target's where
    what fails was compared with it."""
    compared = [
        tasks.before[digest]
        for digest, result in checked.results.items()
        if result.outcome is Outcome.ALREADY_BROKEN and digest in tasks.before
    ]
    found = [newest(connection, some) for some in (tasks.here.values(), compared)]
    return tuple(sorted(run.id for those in found for run in those.values()))


def ask(
    connection: sa.Connection,
    repo_id: int,
    pull_id: int,
    purpose: str,
    task: Task,
    now: datetime,
) -> tuple[int, str]:
    """Want this check on its tree; returns the run's id and the bell that it needs, "" for none.

    One that has ended since its result was looked for told only whoever wanted it then: this
    pull request is nudged here instead.
    """
    found = newest(connection, [task]).get(task.check.digest)
    run_id = found.id if found else _queue(connection, repo_id, task, now)
    want = {"run_id": run_id, "pull_id": pull_id, "purpose": purpose}
    insert_new(connection, run_wants, want)
    if found is None:
        return run_id, f"run:{run_id}"
    if _has_ended(connection, run_id):
        work.nudge(connection, pulls, pull_id, now)
        return run_id, f"look:{pull_id}"
    return run_id, ""


def _has_ended(connection: sa.Connection, run_id: int) -> bool:
    """Waits for a `finish` under way; one that comes later sees the want that is there by now."""
    state = sa.select(runs.c.state).where(runs.c.id == run_id).with_for_update()
    return connection.scalar(state) == "done"


def again(connection: sa.Connection, task: Task) -> None:
    """Forget a finished result, so that the next look asks for a new run (/recheck)."""
    connection.execute(
        sa.update(runs)
        .where(runs.c.tree == task.tree, runs.c.digest == task.check.digest)
        .where(runs.c.state == "done")
        .values(state="cancelled")
    )


def _queue(connection: sa.Connection, repo_id: int, task: Task, now: datetime) -> int:
    definition, tree = task.check, task.tree
    last = connection.scalar(
        sa.select(sa.func.max(runs.c.generation)).where(
            runs.c.tree == tree, runs.c.digest == definition.digest
        )
    )
    run_id = connection.scalar(
        sa.insert(runs)
        .values(
            repo_id=repo_id,
            name=definition.name,
            definition=asdict(definition),
            digest=definition.digest,
            tree=tree,
            generation=0 if last is None else last + 1,
            state="queued",
            asked_at=now,
        )
        .returning(runs.c.id)
    )
    assert run_id is not None  # noqa: S101 - an insert returns its row
    return int(run_id)


def start(
    connection: sa.Connection, run_id: int, owner: str, now: datetime, ttl: timedelta
) -> tuple[RunRow, int] | None:
    """Take a run that waits or was left behind; None when there is nothing to do."""
    row = connection.execute(sa.select(runs).where(runs.c.id == run_id)).one_or_none()
    if row is None or row.state not in ("queued", "running"):
        return None
    fence = leases.claim(connection, runs, run_id, owner, now, ttl)
    if fence is None:
        return None
    connection.execute(
        sa.update(runs).where(runs.c.id == run_id).values(state="running", started_at=now)
    )
    return _run(row), fence


def is_wanted(connection: sa.Connection, run_id: int) -> bool:
    return (
        connection.scalar(
            sa.select(run_wants.c.run_id).where(run_wants.c.run_id == run_id).limit(1)
        )
        is not None
    )


def finish(
    connection: sa.Connection, run_id: int, fence: int, result: CheckResult, now: datetime
) -> list[int]:
    """Keep the result and nudge every pull request that waits; returns their ids."""
    kept = connection.execute(
        sa.update(runs)
        .where(runs.c.id == run_id, runs.c.lease_fence == fence, runs.c.state == "running")
        .values(
            state="done",
            outcome=result.outcome.value,
            summary=result.summary,
            findings=[asdict(finding) for finding in result.findings],
            log=result.log,
            seconds=result.seconds,
            ended_at=now,
            lease_until=None,
        )
    )
    if kept.rowcount != 1:
        return []
    waiting = list(
        connection.scalars(
            sa.select(run_wants.c.pull_id).where(run_wants.c.run_id == run_id).distinct()
        )
    )
    for pull_id in waiting:
        work.nudge(connection, pulls, pull_id, now)
    return waiting


def give_up(connection: sa.Connection, run_id: int, fence: int) -> None:
    """Nobody needs it any more; when somebody has come to want it meanwhile, it starts again."""
    connection.execute(
        sa.update(runs)
        .where(runs.c.id == run_id, runs.c.lease_fence == fence)
        .values(state="queued" if is_wanted(connection, run_id) else "cancelled", lease_until=None)
    )


def put_back(connection: sa.Connection, run_id: int, fence: int) -> None:
    """The worker stops before the end: the next one starts it again."""
    connection.execute(
        sa.update(runs)
        .where(runs.c.id == run_id, runs.c.lease_fence == fence)
        .values(state="queued", lease_until=None)
    )


def lost(connection: sa.Connection, run_id: int, fence: int, now: datetime) -> list[int]:
    """Its tree is not on this machine: who wants it is nudged, and asks again. Returns them."""
    connection.execute(
        sa.update(runs)
        .where(runs.c.id == run_id, runs.c.lease_fence == fence)
        .values(state="cancelled", lease_until=None)
    )
    wanted = sa.select(run_wants.c.pull_id).where(run_wants.c.run_id == run_id).distinct()
    waiting = list(connection.scalars(wanted))
    for pull_id in waiting:
        work.nudge(connection, pulls, pull_id, now)
    return waiting


def want_only(
    connection: sa.Connection, pull_id: int, purpose: str, run_ids: Sequence[int]
) -> None:
    """Drop this pull request's wants for other runs, and queued runs that nobody wants."""
    connection.execute(
        sa.delete(run_wants)
        .where(run_wants.c.pull_id == pull_id, run_wants.c.purpose == purpose)
        .where(run_wants.c.run_id.not_in(run_ids))
    )
    connection.execute(
        sa.update(runs)
        .where(runs.c.state == "queued", runs.c.lease_until.is_(None))
        .where(runs.c.id.not_in(sa.select(run_wants.c.run_id)))
        .values(state="cancelled")
    )


def _run(row: sa.Row[Any]) -> RunRow:
    tried = Tried(row.tried, row.branch, row.called_at) if row.branch else None
    return RunRow(
        row.id, row.repo_id, row.tree, row.state, _definition(row.definition), _result(row), tried
    )


def _definition(stored: Mapping[str, Any]) -> CheckDefinition:
    """JSON has lists for tuples; what is older than a field lacks it."""
    env = tuple((name, value) for name, value in stored.get("env", ()))
    steps = tuple(PrepareStep(**_tuples(step)) for step in stored.get("prepare", ()))
    return CheckDefinition(**_tuples(stored) | {"env": env, "prepare": steps})


def _tuples(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
    }


def _result(row: sa.Row[Any]) -> CheckResult | None:
    if row.state != "done":
        return None
    return CheckResult(
        outcome=Outcome(row.outcome),
        summary=row.summary,
        findings=tuple(finding(values) for values in row.findings),
        log=row.log,
        seconds=row.seconds,
    )


def finding(values: Mapping[str, Any]) -> Finding:
    fix = values.get("fix")
    more = {"level": Level(values["level"]), "fix": Fix(**fix) if fix else None}
    return Finding(**{**values, **more})
