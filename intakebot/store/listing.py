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


def _at_repo(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Of the repository that a pull request is at."""
    there = sa.select(repos.c.id).where(repos.c.id == pulls.c.repo_id, condition)
    return there.correlate(pulls).exists()


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose pull requests are asked for: everybody's, those of one account, or of an agency."""

    forge: str = ""
    author_id: str | None = None
    agency: str = ""

    def limits(self) -> list[sa.ColumnElement[bool]]:
        if self.agency:
            of_agency = sa.and_(
                people.c.agency == self.agency, people.c.group == Group.AGENCY.value
            )
            colleagues = (
                sa.select(repos.c.id, accounts.c.account_id)
                .join(accounts, accounts.c.forge == repos.c.forge)
                .join(people, people.c.id == accounts.c.person_id)
                .where(of_agency)
            )
            return [sa.tuple_(pulls.c.repo_id, pulls.c.author_id).in_(colleagues)]
        if self.author_id is None:
            return []
        mine = pulls.c.author_id == self.author_id
        return [mine, _at_repo(repos.c.forge == self.forge)]


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
    order = (pulls.c.open.desc(), *_ORDERS[asked.order])
    places = sa.select(pulls.c.id).where(*_limits(scope), *_asked(connection, asked))
    if asked.state is not None:
        places = places.where(pulls.c.state == asked.state.value)
    if asked.order is Order.REPO:
        places = places.join(repos, repos.c.id == pulls.c.repo_id)
    # Which they are is found in an index; only those that are shown are read whole.
    shown = places.order_by(*order).limit(limit).offset(offset)
    found = _pulls().where(pulls.c.id.in_(shown)).order_by(*order)
    return [_line(row) for row in connection.execute(found)]


_ORDERS: Mapping[Order, tuple[sa.ColumnElement[Any], ...]] = {
    Order.NEWEST: (pulls.c.id.desc(),),
    Order.OLDEST: (pulls.c.id.asc(),),
    Order.REPO: (repos.c.name, pulls.c.id.desc()),
    Order.AUTHOR: (pulls.c.author_login, pulls.c.id.desc()),
}


def _limits(scope: Scope) -> list[sa.ColumnElement[bool]]:
    """What this scope may see of repositories whose name is known, asked of `pulls` alone."""
    return [_at_repo(repos.c.name != ""), *scope.limits()]


def _asked(connection: sa.Connection, asked: Filter) -> list[sa.ColumnElement[bool]]:
    """All but the state, which has counts of its own."""
    wanted: list[sa.ColumnElement[bool]] = []
    if asked.repo:
        named = sa.select(repos.c.id).where(repos.c.name == asked.repo)
        wanted.append(pulls.c.repo_id.in_(named))
    if asked.turns:
        wanted.append(pulls.c.turn.in_([turn.value for turn in asked.turns]))
    if asked.text:
        text = asked.text.removeprefix("#")
        columns = (pulls.c.title, pulls.c.author_login)
        if connection.dialect.name == "sqlite":  # its LIKE knows no case, and lower() is slow
            found = [column.contains(asked.text, autoescape=True) for column in columns]
        else:
            found = [column.icontains(asked.text, autoescape=True) for column in columns]
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
    named = sa.select(repos.c.id).where(repos.c.name != "")
    rows = connection.execute(
        sa.select(pulls.c.state, sa.func.count())
        .where(pulls.c.repo_id.in_(named), *scope.limits(), *_asked(connection, asked))
        .group_by(pulls.c.state)
    )
    counts = {state: count for state, count in rows}
    return {state: counts[state.value] for state in State if state.value in counts}


def repo_names(connection: sa.Connection, scope: Scope) -> list[str]:
    """Repositories that have pull requests in this scope."""
    there = sa.select(pulls.c.id).where(pulls.c.repo_id == repos.c.id, *scope.limits())
    asked = (
        sa.select(repos.c.name)
        .where(repos.c.name != "", there.correlate(repos).exists())
        .distinct()
        .order_by(repos.c.name)
    )
    return list(connection.scalars(asked))


def find_pull(connection: sa.Connection, scope: Scope, repo: str, number: int) -> PullLine | None:
    asked = _pulls().where(repos.c.name == repo, pulls.c.number == number, *_limits(scope))
    row = connection.execute(asked.order_by(pulls.c.id).limit(1)).one_or_none()
    return _line(row) if row else None


def troubled_pulls(connection: sa.Connection, limit: int) -> list[PullLine]:
    asked = _pulls().where(pulls.c.problem != "").order_by(pulls.c.id.desc())
    return [_line(row) for row in connection.execute(asked.limit(limit))]


def places_of(connection: sa.Connection, pull_ids: Collection[int]) -> dict[int, tuple[str, int]]:
    """Repository and number of each."""
    rows = connection.execute(
        sa.select(pulls.c.id, repos.c.name, pulls.c.number)
        .join(repos, repos.c.id == pulls.c.repo_id)
        .where(pulls.c.id.in_(pull_ids))
    )
    return {row.id: (row.name, row.number) for row in rows}


def _pulls() -> sa.Select[Any]:
    return sa.select(
        pulls,
        repos.c.forge,
        repos.c.forge_id,
        repos.c.name,
        repos.c.clone_url,
        repos.c.intake,
        repos.c.deploy,
    ).join(repos, repos.c.id == pulls.c.repo_id)


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
