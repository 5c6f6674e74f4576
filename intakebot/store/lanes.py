"""Protected branches: what waits to land, what is landing, what landed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from intakebot.store import chain
from intakebot.store.tables import entries, landings, lanes, repos
from intakebot.store.upsert import insert_new

OVER = ("landed", "dropped", "failed")


@dataclass(frozen=True, slots=True)
class LaneRow:
    id: int
    repo_id: int
    branch: str


@dataclass(frozen=True, slots=True)
class EntryRow:
    id: int
    lane_id: int
    pull_id: int
    number: int
    head: str
    asked_by: str
    asked_login: str
    asked_at: datetime
    state: str
    base: str
    commit: str
    tree: str
    why: str


def lane(connection: sa.Connection, row: int) -> LaneRow:
    found = connection.execute(
        sa.select(lanes.c.repo_id, lanes.c.branch).where(lanes.c.id == row)
    ).one()
    return LaneRow(row, found.repo_id, found.branch)


def enter(
    connection: sa.Connection,
    lane_id: int,
    pull_id: int,
    number: int,
    head: str,
    asked_by: str,
    asked_login: str,
    asked_at: datetime,
    now: datetime,
) -> bool:
    """Queue this head unless it waits already; an older one of this pull request drops."""
    waiting = connection.execute(
        sa.select(entries.c.id, entries.c.head, entries.c.lane_id).where(
            entries.c.pull_id == pull_id, entries.c.state.not_in(OVER)
        )
    ).all()
    if any((row.head, row.lane_id) == (head, lane_id) for row in waiting):
        return False
    for row in waiting:
        why = "a newer commit was pushed" if row.head != head else "its target was changed"
        change_entry(connection, row.id, state="dropped", why=why)
    connection.execute(
        sa.insert(entries).values(
            lane_id=lane_id,
            pull_id=pull_id,
            number=number,
            head=head,
            asked_by=asked_by,
            asked_login=asked_login,
            asked_at=asked_at,
            state="queued",
            added_at=now,
        )
    )
    return True


def waiting(connection: sa.Connection, lane_id: int) -> list[EntryRow]:
    """Entries still to land, first come first served."""
    rows = connection.execute(
        sa.select(entries)
        .where(entries.c.lane_id == lane_id, entries.c.state.not_in(OVER))
        .order_by(entries.c.id)
    )
    return [_entry(row) for row in rows]


def entry_of(connection: sa.Connection, pull_id: int) -> EntryRow | None:
    """The pull request's entry that still waits, if any."""
    row = connection.execute(
        sa.select(entries).where(entries.c.pull_id == pull_id, entries.c.state.not_in(OVER))
    ).one_or_none()
    return _entry(row) if row else None


def failed(connection: sa.Connection, pull_id: int, head: str) -> EntryRow | None:
    """The newest entry of this head that was given up for its own fault."""
    row = connection.execute(
        sa.select(entries)
        .where(entries.c.pull_id == pull_id, entries.c.head == head, entries.c.state == "failed")
        .order_by(entries.c.id.desc())
        .limit(1)
    ).one_or_none()
    return _entry(row) if row else None


def change_entry(connection: sa.Connection, entry_id: int, **values: object) -> None:
    connection.execute(sa.update(entries).where(entries.c.id == entry_id).values(**values))


def intend_landing(connection: sa.Connection, values: Mapping[str, Any]) -> None:
    """Written before the push; it replaces what was intended for this entry and never landed.

    A dropped entry may have left the very same commit: same inputs, same id.
    """
    same_commit = sa.and_(
        landings.c.repo_id == values["repo_id"], landings.c.commit == values["commit"]
    )
    connection.execute(
        sa.delete(landings)
        .where(landings.c.landed_at.is_(None))
        .where(sa.or_(landings.c.entry_id == values["entry_id"], same_commit))
    )
    insert_new(connection, landings, values)


def landing_of_entry(connection: sa.Connection, entry_id: int) -> sa.Row[Any] | None:
    return connection.execute(
        sa.select(landings).where(landings.c.entry_id == entry_id)
    ).one_or_none()


def landing_of_pull(connection: sa.Connection, pull_id: int) -> sa.Row[Any] | None:
    """The confirmed landing of a pull request, if any."""
    return connection.execute(
        sa.select(landings)
        .where(landings.c.pull_id == pull_id, landings.c.landed_at.is_not(None))
        .order_by(landings.c.id.desc())
        .limit(1)
    ).one_or_none()


def change_landing(connection: sa.Connection, landing_id: int, **values: object) -> None:
    connection.execute(sa.update(landings).where(landings.c.id == landing_id).values(**values))


def landed(connection: sa.Connection, landing_id: int, now: datetime) -> chain.Tip:
    """Read back from the forge. Last in its transaction, for sealing locks the chain."""
    change_landing(connection, landing_id, landed_at=now)
    return chain.seal(connection, "landing", landing_id, now)


def deployed(connection: sa.Connection, landing_id: int, now: datetime) -> chain.Tip:
    """Read back from the deploy branch. Last in its transaction, too."""
    change_landing(connection, landing_id, deployed_at=now)
    return chain.seal(connection, "deployment", landing_id, now)


def undeployed(connection: sa.Connection, repo_id: int, branch: str) -> list[sa.Row[Any]]:
    """Landings whose deploy branch has not been moved yet though it was asked for, newest first."""
    return list(
        connection.execute(
            sa.select(landings)
            .where(landings.c.repo_id == repo_id, landings.c.branch == branch)
            .where(landings.c.landed_at.is_not(None), landings.c.deployed_at.is_(None))
            .where(landings.c.deploy_asked)
            .order_by(landings.c.id.desc())
        )
    )


def recent(connection: sa.Connection, repo_id: int, branch: str, limit: int) -> list[sa.Row[Any]]:
    return list(
        connection.execute(
            sa.select(landings)
            .where(landings.c.repo_id == repo_id, landings.c.branch == branch)
            .where(landings.c.landed_at.is_not(None))
            .order_by(landings.c.id.desc())
            .limit(limit)
        )
    )


def waits(connection: sa.Connection, lane_id: int, limit: int) -> list[timedelta]:
    """From being asked for until landed, of the last ones on a lane."""
    rows = connection.execute(
        sa.select(entries.c.added_at, landings.c.landed_at)
        .join(landings, landings.c.entry_id == entries.c.id)
        .join(
            lanes,
            sa.and_(lanes.c.repo_id == landings.c.repo_id, lanes.c.branch == landings.c.branch),
        )
        .where(lanes.c.id == lane_id, landings.c.landed_at.is_not(None))
        .order_by(landings.c.id.desc())
        .limit(limit)
    )
    return [row.landed_at - row.added_at for row in rows]


def describe(connection: sa.Connection, row: int, *, problem: str, stuck: str) -> bool:
    """What is wrong with the lane, for the operator, and why nothing can land; "" when nothing.

    True when it got stuck just now, or unstuck.
    """
    before = connection.scalar(sa.select(lanes.c.stuck).where(lanes.c.id == row)) or ""
    connection.execute(
        sa.update(lanes).where(lanes.c.id == row).values(problem=problem, stuck=stuck)
    )
    return bool(before) != bool(stuck)


def tip(connection: sa.Connection, lane_id: int) -> str:
    """Where the branch was when last known to be good; "" before it was seen."""
    return str(connection.scalar(sa.select(lanes.c.tip).where(lanes.c.id == lane_id)) or "")


def set_tip(connection: sa.Connection, lane_id: int, commit: str) -> None:
    connection.execute(sa.update(lanes).where(lanes.c.id == lane_id).values(tip=commit))


def freeze(connection: sa.Connection, lane_id: int, commit: str, why: str) -> None:
    """Nothing lands until `thaw`; the branch is at `commit` by now."""
    connection.execute(sa.update(lanes).where(lanes.c.id == lane_id).values(tip=commit, frozen=why))


def thaw(connection: sa.Connection, lane_id: int) -> None:
    connection.execute(sa.update(lanes).where(lanes.c.id == lane_id).values(frozen=""))


def frozen(connection: sa.Connection, repo_id: int, *branches: str) -> str:
    """Why nothing may land on these branches until somebody acknowledges it; "" when it may."""
    whys = connection.scalars(
        sa.select(lanes.c.frozen)
        .where(lanes.c.repo_id == repo_id, lanes.c.branch.in_(branches), lanes.c.frozen != "")
        .order_by(lanes.c.id)
    )
    return "; ".join(whys)


def is_landing(connection: sa.Connection, repo_id: int, commit: str) -> bool:
    """Whether we pushed this commit, or were about to."""
    query = sa.select(landings.c.id).where(
        landings.c.repo_id == repo_id, landings.c.commit == commit
    )
    return connection.scalar(query.limit(1)) is not None


def stuck(connection: sa.Connection, repo_id: int, branch: str) -> str:
    """Why nothing can land on this branch, by our fault; "" when it can."""
    query = sa.select(lanes.c.stuck).where(lanes.c.repo_id == repo_id, lanes.c.branch == branch)
    return str(connection.scalar(query) or "")


def find(connection: sa.Connection, repo_name: str, branch: str) -> LaneRow | None:
    row = connection.execute(
        sa.select(lanes.c.id, lanes.c.repo_id)
        .join(repos, repos.c.id == lanes.c.repo_id)
        .where(repos.c.name == repo_name, lanes.c.branch == branch)
    ).first()
    return LaneRow(row.id, row.repo_id, branch) if row else None


def _entry(row: sa.Row[Any]) -> EntryRow:
    return EntryRow(
        row.id,
        row.lane_id,
        row.pull_id,
        row.number,
        row.head,
        row.asked_by,
        row.asked_login,
        row.asked_at,
        row.state,
        row.base,
        row.commit,
        row.tree,
        row.why,
    )
