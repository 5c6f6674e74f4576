"""Lists of pull requests: whose may be seen, what is asked for, and in which order."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from intakebot.model import Group, Repo, State, Turn
from intakebot.store.tables import accounts, people, pulls, repos


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


def troubled_pulls(connection: sa.Connection, limit: int) -> list[PullLine]:
    asked = _pulls(Scope()).where(pulls.c.problem != "").order_by(pulls.c.id.desc())
    return [_line(row) for row in connection.execute(asked.limit(limit))]


def places_of(connection: sa.Connection, pull_ids: Collection[int]) -> dict[int, tuple[str, int]]:
    """Repository and number of each."""
    rows = connection.execute(
        sa.select(pulls.c.id, repos.c.name, pulls.c.number)
        .join(repos, repos.c.id == pulls.c.repo_id)
        .where(pulls.c.id.in_(pull_ids))
    )
    return {row.id: (row.name, row.number) for row in rows}


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
