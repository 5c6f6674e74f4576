"""What pages and API show of one pull request and of lanes: questions that only read, but for
the one that proves writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from intakebot.core.checking import Told
from intakebot.model import Finding, Level, Verdict, VerdictState
from intakebot.store import runs as runs_store
from intakebot.store.listing import PullLine
from intakebot.store.tables import accounts, first_verdicts, lanes, looks, repos, runs


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one look judged. `base` is "" when there was nothing to compare with."""

    at: datetime
    head: str
    base: str
    rules_digest: str
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    checks: tuple[Told, ...] | None  # None: a look of before they were kept


@dataclass(frozen=True, slots=True)
class FirstVerdict:
    head: str
    at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a change. `outcome` is "" until it is done; one that never started, since it
    waits for another or what it needs did not pass, is "waiting" and has no times."""

    name: str
    state: str
    outcome: str
    summary: str
    seconds: float
    log: str
    asked_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Lane:
    id: int
    repo_id: int
    repo: str
    branch: str
    problem: str
    frozen: str  # why nothing lands until somebody acknowledges it, else ""


# --- pull requests --------------------------------------------------------------------


def evidence(connection: sa.Connection, line: PullLine) -> Evidence | None:
    """The last look's; once it is over, the last one that had something to judge."""
    asked = sa.select(looks).where(looks.c.pull_id == line.id).order_by(looks.c.id.desc()).limit(1)
    row = connection.execute(asked).one_or_none()
    if row is not None and not line.open and not row.base:
        judged = asked.where(looks.c.head == line.head, looks.c.base != "")
        row = connection.execute(judged).one_or_none() or row
    return _evidence(row) if row else None


def first_verdict(connection: sa.Connection, pull_id: int, head: str) -> FirstVerdict | None:
    row = connection.execute(
        sa.select(first_verdicts.c.at, first_verdicts.c.state).where(
            first_verdicts.c.pull_id == pull_id, first_verdicts.c.head == head
        )
    ).one_or_none()
    return FirstVerdict(head, row.at, row.state) if row else None


def checks_told(connection: sa.Connection, told: Sequence[Told]) -> list[Check]:
    """As the look told of them, each with the newest run that there is of it."""
    pairs = [(one.digest, one.tree) for one in told]
    rows = connection.execute(
        sa.select(runs)
        .where(sa.tuple_(runs.c.digest, runs.c.tree).in_(pairs), runs.c.state != "cancelled")
        .order_by(runs.c.generation)
    )
    newest = {(row.digest, row.tree): row for row in rows} if told else {}
    return [_check(one, newest.get((one.digest, one.tree))) for one in told]


def _check(told: Told, run: sa.Row[Any] | None) -> Check:
    if run is None:
        return Check(told.name, "waiting", told.outcome, told.summary, 0.0, "", None, None)
    return Check(
        told.name,
        run.state,
        told.outcome or run.outcome,
        told.summary or run.summary,
        run.seconds,
        run.log,
        run.asked_at,
        run.ended_at,
    )


def _evidence(row: sa.Row[Any]) -> Evidence:
    return Evidence(
        at=row.at,
        head=row.head,
        base=row.base,
        rules_digest=row.rules_digest,
        verdicts=tuple(_verdict(values) for values in row.verdicts),
        findings=tuple(runs_store.finding(values) for values in row.findings),
        checks=None if row.checks is None else tuple(Told(**values) for values in row.checks),
    )


def _verdict(values: Mapping[str, Any]) -> Verdict:
    typed = {
        "level": Level(values["level"]),
        "state": VerdictState(values["state"]),
        "offenders": tuple(values["offenders"]),
    }
    return Verdict(**{**values, **typed})


# --- lanes, problems, people ----------------------------------------------------------


def find_lane(connection: sa.Connection, place: str) -> Lane | None:
    """By "repository/branch", either of which may hold slashes itself."""
    asked = _lanes().where(repos.c.name + "/" + lanes.c.branch == place)
    row = connection.execute(asked.order_by(lanes.c.id).limit(1)).one_or_none()
    return _lane(row) if row else None


def all_lanes(connection: sa.Connection) -> list[Lane]:
    rows = connection.execute(_lanes().order_by(repos.c.name, lanes.c.branch))
    return [_lane(row) for row in rows]


def troubled_lanes(connection: sa.Connection) -> list[Lane]:
    wrong = sa.or_(lanes.c.problem != "", lanes.c.frozen != "")
    rows = connection.execute(_lanes().where(wrong).order_by(lanes.c.id))
    return [_lane(row) for row in rows]


def _lanes() -> sa.Select[Any]:
    return sa.select(
        lanes.c.id,
        lanes.c.repo_id,
        repos.c.name,
        lanes.c.branch,
        lanes.c.problem,
        lanes.c.frozen,
    ).join(repos, repos.c.id == lanes.c.repo_id)


def _lane(row: sa.Row[Any]) -> Lane:
    return Lane(row.id, row.repo_id, row.name, row.branch, row.problem, row.frozen)


def login_of(connection: sa.Connection, forge: str, account_id: str) -> str | None:
    """The login of an account on the roster."""
    return connection.scalar(
        sa.select(accounts.c.login).where(
            accounts.c.forge == forge, accounts.c.account_id == account_id
        )
    )


# --- health ---------------------------------------------------------------------------


def prove_writable(connection: sa.Connection) -> None:
    """A real write that changes nothing; raises TryLater when the database can't take it."""
    connection.execute(sa.text("UPDATE alembic_version SET version_num = version_num"))
