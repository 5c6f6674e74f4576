"""What is due: counters `wanted` and `done` on repositories, pull requests and lanes.

A nudge adds one to `wanted`. Work reads `wanted` first, does everything, and then sets `done`
to what it read: a nudge that came meanwhile leaves the row due.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from intakebot.model import Repo
from intakebot.store import leases
from intakebot.store.straight import Straight
from intakebot.store.tables import lanes, pulls, repos, runs
from intakebot.store.upsert import insert, insert_new, new_rows

if TYPE_CHECKING:
    from intakebot.store.upsert import Insert

LONGEST_POSTPONED = timedelta(minutes=15)  # more than anything is put off


@dataclass(frozen=True, slots=True)
class RepoRow:
    id: int
    forge: str
    forge_id: str
    name: str
    pulls_cursor: str
    incidents_cursor: str


@dataclass(frozen=True, slots=True)
class KnownRepo:
    id: int
    repo: Repo
    surveyed_at: datetime | None


@dataclass(frozen=True, slots=True)
class PullRow:
    id: int
    repo: RepoRow
    number: int
    failures: int


# Built once, as those below that are cached: the door asks for them with every delivery, and
# building costs more than running.
_IS_REPO = sa.and_(
    repos.c.forge == sa.bindparam("forge"), repos.c.forge_id == sa.bindparam("forge_id")
)
_REPO_ID = sa.select(repos.c.id).where(_IS_REPO)


@cache
def _nudged_pull(dialect: str) -> ReturningInsert[tuple[int, int, int]]:
    """Raises the counter of a row, or makes the row, where the repository has one."""
    now = sa.bindparam("now", type_=pulls.c.nudged_at.type)
    new = sa.select(repos.c.id, sa.bindparam("pull", type_=sa.Integer), now, now, sa.literal(1))
    names = ["repo_id", "number", "first_seen_at", "nudged_at", "wanted"]
    statement = insert(dialect, pulls).from_select(names, new.where(_IS_REPO))
    raised = {"wanted": pulls.c.wanted + 1, "nudged_at": statement.excluded.nudged_at}
    return statement.on_conflict_do_update(
        index_elements=["repo_id", "number"], set_=raised
    ).returning(pulls.c.repo_id, pulls.c.id, pulls.c.wanted)


@cache
def _new_repo(dialect: str) -> Insert:
    return new_rows(dialect, repos)


@cache
def _nudged(table: sa.Table) -> ReturningUpdate[tuple[int]]:
    raised = {"wanted": table.c.wanted + 1, "nudged_at": sa.bindparam("now")}
    return (
        sa.update(table)
        .where(table.c.id == sa.bindparam("row"))
        .values(raised)
        .returning(table.c.wanted)
    )


def repo_row(connection: sa.Connection | Straight, forge: str, forge_id: str) -> int:
    """The id of our row for this repository, made when it is new."""
    names = {"forge": forge, "forge_id": forge_id}
    found = list(connection.execute(_REPO_ID, names))
    if not found:
        connection.execute(_new_repo(connection.dialect.name), names)
        found = list(connection.execute(_REPO_ID, names))
    [(row,)] = found
    return int(row)


def know_repo(connection: sa.Connection, found: Repo) -> int:
    """Our row of a repository as the forge describes it now, with the lane of its intake branch."""
    row = repo_row(connection, found.forge, found.id)
    describe_repo(
        connection,
        row,
        name=found.name,
        clone_url=found.clone_url,
        intake=found.intake,
        deploy=found.deploy,
    )
    lane_row(connection, row, found.intake)
    return row


def find_pull(connection: sa.Connection, found: Repo, number: int) -> PullRow | None:
    """Our row, if there ever was a nudge for it."""
    row = connection.scalar(
        sa.select(pulls.c.id)
        .join(repos, repos.c.id == pulls.c.repo_id)
        .where(repos.c.forge == found.forge, repos.c.forge_id == found.id)
        .where(pulls.c.number == number)
    )
    return None if row is None else pull(connection, row)


def pull_row(connection: sa.Connection, repo_id: int, number: int, now: datetime) -> int:
    """The id of our row for this pull request, made when it is new."""
    insert_new(connection, pulls, {"repo_id": repo_id, "number": number, "first_seen_at": now})
    found = connection.scalar(
        sa.select(pulls.c.id).where(pulls.c.repo_id == repo_id, pulls.c.number == number)
    )
    assert found is not None  # noqa: S101 - inserted or found one line above
    return int(found)


def lane_row(connection: sa.Connection, repo_id: int, branch: str) -> int:
    insert_new(connection, lanes, {"repo_id": repo_id, "branch": branch})
    found = connection.scalar(
        sa.select(lanes.c.id).where(lanes.c.repo_id == repo_id, lanes.c.branch == branch)
    )
    assert found is not None  # noqa: S101 - inserted or found one line above
    return int(found)


def nudge(connection: sa.Connection | Straight, table: sa.Table, row: int, now: datetime) -> int:
    """Ask for one more look; returns the count that a later `done` must reach."""
    [raised] = connection.execute(_nudged(table), {"row": row, "now": now})
    return int(raised[0])


def nudge_pull(
    connection: sa.Connection | Straight, forge: str, forge_id: str, number: int, now: datetime
) -> tuple[int, int, int]:
    """Ask for one more look at a pull request; its row and its repository's are made when they are
    new. Returns (repository's row, pull request's row, the count that a later `done` must reach).
    """
    statement = _nudged_pull(connection.dialect.name)
    about = {"forge": forge, "forge_id": forge_id, "pull": number, "now": now}
    rows = list(connection.execute(statement, about))
    if not rows:
        repo_row(connection, forge, forge_id)
        rows = list(connection.execute(statement, about))
    [(repo, row, wanted)] = rows
    return repo, row, wanted


def wanted(connection: sa.Connection, table: sa.Table, row: int) -> int:
    return int(connection.scalar(sa.select(table.c.wanted).where(table.c.id == row)) or 0)


def is_due(connection: sa.Connection, table: sa.Table, row: int, now: datetime) -> bool:
    """Also due when its own time (`look_at`) has come."""
    clock = table.c.get("look_at")
    due = table.c.done < table.c.wanted
    if clock is not None:
        due = sa.or_(due, clock <= now)
    return connection.scalar(sa.select(table.c.id).where(table.c.id == row, due)) is not None


def overdue(
    connection: sa.Connection, table: sa.Table, now: datetime, patience: timedelta
) -> list[int]:
    """Rows whose nudge was lost: due for longer than `patience`, and nobody works on them.

    A nudge of the far future comes from a clock that was put back since.
    """
    nudged = table.c.nudged_at
    lost = sa.or_(nudged < now - patience, nudged > now + LONGEST_POSTPONED)
    late = sa.and_(table.c.done < table.c.wanted, lost)
    clock = table.c.get("look_at")
    if clock is not None:
        late = sa.or_(late, clock <= now)
    query = sa.select(table.c.id).where(leases.free(table, now), late).order_by(table.c.id)
    return list(connection.scalars(query))


def finish(
    connection: sa.Connection,
    table: sa.Table,
    row: int,
    fence: int,
    done: int,
    look_at: datetime | None = None,
) -> bool:
    """Give the lease back with the work done; False when it was lost meanwhile."""
    values: dict[str, object] = {"done": done, "lease_until": None}
    if "look_at" in table.c:
        values["look_at"] = look_at
    result = connection.execute(
        sa.update(table).where(table.c.id == row, table.c.lease_fence == fence).values(**values)
    )
    return result.rowcount == 1


def postpone(
    connection: sa.Connection,
    table: sa.Table,
    row: int,
    fence: int,
    until: datetime,
    patience: timedelta,
) -> bool:
    """Give the lease back undone; `overdue` finds the row again at `until`, a nudge before.

    False when the lease was lost meanwhile.
    """
    values: dict[str, object] = {"lease_until": None, "nudged_at": until - patience}
    clock = table.c.get("look_at")
    if clock is not None:
        values["look_at"] = sa.case((clock < until, sa.literal(until, clock.type)), else_=clock)
    result = connection.execute(
        sa.update(table).where(table.c.id == row, table.c.lease_fence == fence).values(**values)
    )
    return result.rowcount == 1


def pull(connection: sa.Connection, row: int) -> PullRow:
    found = connection.execute(
        sa.select(pulls.c.repo_id, pulls.c.number, pulls.c.failures).where(pulls.c.id == row)
    ).one()
    return PullRow(row, repo(connection, found.repo_id), found.number, found.failures)


def repo(connection: sa.Connection, row: int) -> RepoRow:
    found = connection.execute(sa.select(repos).where(repos.c.id == row)).one()
    return RepoRow(
        found.id,
        found.forge,
        found.forge_id,
        found.name,
        found.pulls_cursor,
        found.incidents_cursor,
    )


def surveyed_at(connection: sa.Connection, repo_id: int) -> datetime | None:
    found: datetime | None = connection.scalar(
        sa.select(repos.c.surveyed_at).where(repos.c.id == repo_id)
    )
    return found


def known_repos(connection: sa.Connection, forge: str) -> list[KnownRepo]:
    """As they were last described, in the order in which they were met."""
    rows = connection.execute(sa.select(repos).where(repos.c.forge == forge).order_by(repos.c.id))
    return [_known(row) for row in rows]


def known_repo(connection: sa.Connection, row: int) -> KnownRepo:
    return _known(connection.execute(sa.select(repos).where(repos.c.id == row)).one())


def _known(row: sa.Row[Any]) -> KnownRepo:
    described = Repo(row.forge, row.forge_id, row.name, row.clone_url, row.intake, row.deploy)
    return KnownRepo(row.id, described, row.surveyed_at)


READY = ("ready", "queued", "landed", "merged", "waiting for window")


def unready(connection: sa.Connection, repo_id: int, but: int) -> list[sa.Row[Any]]:
    """Other open pull requests (number, head) that could not land now, as last looked at."""
    return list(
        connection.execute(
            sa.select(pulls.c.number, pulls.c.head)
            .where(pulls.c.repo_id == repo_id, pulls.c.open, pulls.c.id != but)
            .where(pulls.c.state.not_in(READY), pulls.c.head != "")
            .order_by(pulls.c.number)
        )
    )


def all_repos(connection: sa.Connection) -> list[int]:
    return list(connection.scalars(sa.select(repos.c.id).order_by(repos.c.id)))


def describe_repo(connection: sa.Connection, row: int, **values: object) -> None:
    """Keep what a survey found: name, clone_url, intake, deploy, cursors, surveyed_at."""
    connection.execute(sa.update(repos).where(repos.c.id == row).values(**values))


def describe_pull(connection: sa.Connection, row: int, **values: object) -> None:
    connection.execute(sa.update(pulls).where(pulls.c.id == row).values(**values))


def nudge_others_by(
    connection: sa.Connection, forge: str, author_id: str, but: int, now: datetime
) -> list[int]:
    """Ask for a look at each other open pull request of an author at a forge; their rows."""
    query = (
        sa.select(pulls.c.id)
        .join(repos, repos.c.id == pulls.c.repo_id)
        .where(repos.c.forge == forge, pulls.c.author_id == author_id)
        .where(pulls.c.open, pulls.c.id != but)
        .order_by(pulls.c.id)
    )
    found = list(connection.scalars(query))
    for row in found:
        nudge(connection, pulls, row, now)
    return found


def waiting_runs(connection: sa.Connection, now: datetime, patience: timedelta) -> list[int]:
    """Check runs that nobody works on: asked long ago, or their worker's lease ran out; and those
    that are over and have left a branch behind."""
    asked = runs.c.asked_at
    lost = sa.or_(asked < now - patience, asked > now + LONGEST_POSTPONED)
    queued = sa.and_(runs.c.state == "queued", lost)
    left = sa.and_(runs.c.state == "running", leases.free(runs, now))
    # Apart, so that the index finds the few that have a branch.
    over = sa.and_(runs.c.branch > "", runs.c.state.not_in(("queued", "running")))
    found: list[int] = []
    for which in (sa.or_(queued, left), sa.and_(over, leases.free(runs, now))):
        found += connection.scalars(sa.select(runs.c.id).where(which))
    return sorted(found)
