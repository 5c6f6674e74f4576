"""What the pages and the API show: read-only questions, but for the one that proves writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from intakebot.core.checking import Told
from intakebot.model import Finding, Group, Level, Repo, State, Turn, Verdict, VerdictState
from intakebot.store import runs as runs_store
from intakebot.store.tables import (
    accounts,
    first_verdicts,
    lanes,
    looks,
    people,
    pulls,
    repos,
    runs,
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose pull requests are asked for: everybody's, those of one account, or of an agency."""

    forge: str = ""
    author_id: str | None = None
    agency: str = ""

    def limits(self) -> list[sa.ColumnElement[bool]]:
        if self.agency:
            colleagues = (
                sa.select(accounts.c.account_id)
                .join(people, people.c.id == accounts.c.person_id)
                .where(people.c.agency == self.agency, people.c.group == Group.AGENCY.value)
                .where(accounts.c.forge == repos.c.forge)
                .correlate(repos)
            )
            return [pulls.c.author_id.in_(colleagues)]
        if self.author_id is None:
            return []
        return [repos.c.forge == self.forge, pulls.c.author_id == self.author_id]


class Order(StrEnum):
    """How a list goes on; open ones always come first."""

    NEWEST = "newest"
    OLDEST = "oldest"
    REPO = "repository"
    AUTHOR = "author"


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked for of a list; "" and () ask for nothing. `text` is looked for in titles and
    logins, and as a number."""

    state: State | None = None
    repo: str = ""
    text: str = ""
    turns: tuple[Turn, ...] = ()
    order: Order = Order.NEWEST


@dataclass(frozen=True, slots=True)
class PullLine:
    """A pull request as the last look left it. `state` is None before the first look."""

    id: int
    repo_id: int
    repo: Repo
    number: int
    title: str
    author_id: str
    author_login: str
    state: State | None
    turn: Turn | None
    why: str
    problem: str
    head: str
    target: str
    open: bool
    first_seen_at: datetime
    looked_at: datetime | None


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


def list_pulls(
    connection: sa.Connection,
    scope: Scope,
    asked: Filter = Filter(),
    *,
    limit: int,
    offset: int = 0,
) -> list[PullLine]:
    """Open ones first, then as asked."""
    found = _pulls(scope).where(*_asked(asked)).order_by(pulls.c.open.desc(), *_ORDERS[asked.order])
    if asked.state is not None:
        found = found.where(pulls.c.state == asked.state.value)
    return [_line(row) for row in connection.execute(found.limit(limit).offset(offset))]


_ORDERS: Mapping[Order, tuple[sa.ColumnElement[Any], ...]] = {
    Order.NEWEST: (pulls.c.id.desc(),),
    Order.OLDEST: (pulls.c.id.asc(),),
    Order.REPO: (repos.c.name, pulls.c.id.desc()),
    Order.AUTHOR: (pulls.c.author_login, pulls.c.id.desc()),
}


def _asked(asked: Filter) -> list[sa.ColumnElement[bool]]:
    """All but the state, which has counts of its own."""
    wanted: list[sa.ColumnElement[bool]] = []
    if asked.repo:
        wanted.append(repos.c.name == asked.repo)
    if asked.turns:
        wanted.append(pulls.c.turn.in_([turn.value for turn in asked.turns]))
    if asked.text:
        text = asked.text.removeprefix("#")
        found = [
            column.icontains(asked.text, autoescape=True)
            for column in (pulls.c.title, pulls.c.author_login)
        ]
        if text.isascii() and text.isdecimal() and len(text) < 10:
            found.append(pulls.c.number == int(text))
        wanted.append(sa.or_(*found))
    return wanted


def count_states(
    connection: sa.Connection,
    scope: Scope,
    asked: Filter = Filter(),
) -> dict[State, int]:
    """How many of those asked for stand at each state, in the order of the ladder."""
    rows = connection.execute(
        sa.select(pulls.c.state, sa.func.count())
        .join(repos, repos.c.id == pulls.c.repo_id)
        .where(*scope.limits(), *_asked(asked))
        .group_by(pulls.c.state)
    )
    counts = {state: count for state, count in rows}
    return {state: counts[state.value] for state in State if state.value in counts}


def repo_names(connection: sa.Connection, scope: Scope) -> list[str]:
    """Repositories that have pull requests in this scope."""
    asked = (
        sa.select(repos.c.name)
        .join(pulls, pulls.c.repo_id == repos.c.id)
        .where(repos.c.name != "", *scope.limits())
        .distinct()
        .order_by(repos.c.name)
    )
    return list(connection.scalars(asked))


def find_pull(connection: sa.Connection, scope: Scope, repo: str, number: int) -> PullLine | None:
    asked = _pulls(scope).where(repos.c.name == repo, pulls.c.number == number)
    row = connection.execute(asked.order_by(pulls.c.id).limit(1)).one_or_none()
    return _line(row) if row else None


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


def _pulls(scope: Scope) -> sa.Select[Any]:
    return (
        sa.select(
            pulls,
            repos.c.forge,
            repos.c.forge_id,
            repos.c.name,
            repos.c.clone_url,
            repos.c.intake,
            repos.c.deploy,
        )
        .join(repos, repos.c.id == pulls.c.repo_id)
        .where(repos.c.name != "", *scope.limits())
    )


def _line(row: sa.Row[Any]) -> PullLine:
    return PullLine(
        id=row.id,
        repo_id=row.repo_id,
        repo=Repo(row.forge, row.forge_id, row.name, row.clone_url, row.intake, row.deploy),
        number=row.number,
        title=row.title,
        author_id=row.author_id,
        author_login=row.author_login,
        state=State(row.state) if row.state else None,
        turn=Turn(row.turn) if row.turn else None,
        why=row.why,
        problem=row.problem,
        head=row.head,
        target=row.target,
        open=row.open,
        first_seen_at=row.first_seen_at,
        looked_at=row.looked_at,
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


def troubled_lanes(connection: sa.Connection) -> list[Lane]:
    wrong = sa.or_(lanes.c.problem != "", lanes.c.frozen != "")
    rows = connection.execute(_lanes().where(wrong).order_by(lanes.c.id))
    return [_lane(row) for row in rows]


def troubled_pulls(connection: sa.Connection, limit: int) -> list[PullLine]:
    asked = _pulls(Scope()).where(pulls.c.problem != "").order_by(pulls.c.id.desc())
    return [_line(row) for row in connection.execute(asked.limit(limit))]


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
