"""Queries for those who check what was promised: what landed, what was said, what is unfinished."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from intakebot.store.tables import (
    deliveries as deliveries_table,
)
from intakebot.store.tables import (
    incidents,
    landings,
    lanes,
    pulls,
    receipts,
    repos,
    runs,
    words,
)

Query = sa.Select[Any]


def deliveries() -> Query:
    """Every delivery with `done` and `problem` of what it speaks of."""
    done = sa.func.coalesce(pulls.c.done, repos.c.done).label("done")
    problem = sa.func.coalesce(pulls.c.problem, "").label("problem")
    kept = deliveries_table.c
    return (
        sa.select(
            kept.forge, kept.delivery_id, kept.received_at, kept.ignored, kept.wanted, kept.pull_id
        )
        .add_columns(done, problem)
        .outerjoin(pulls, pulls.c.id == kept.pull_id)
        .outerjoin(repos, repos.c.id == kept.repo_id)
        .order_by(kept.id)
    )


def at_rest(*, open_only: bool = False, only: int | None = None) -> Query:
    """Pull requests that nobody is to look at and nobody is looking at."""
    query = (
        sa.select(pulls.c.id, pulls.c.state, pulls.c.why, pulls.c.looked_at, pulls.c.done)
        .where(pulls.c.done >= pulls.c.wanted, pulls.c.looked_at.is_not(None))
        .where(pulls.c.lease_until.is_(None), pulls.c.problem == "")
        .order_by(pulls.c.id)
    )
    if only is not None:
        query = query.where(pulls.c.id == only)
    return query.where(pulls.c.open) if open_only else query


def landed() -> Query:
    """Landings that were read back, branch by branch, in the order they were meant."""
    return (
        sa.select(landings)
        .where(landings.c.landed_at.is_not(None))
        .order_by(landings.c.repo_id, landings.c.branch, landings.c.id)
    )


def newest_deployed() -> Query:
    """Of each deploy branch the landing that was put there last."""
    newest = (
        sa.select(sa.func.max(landings.c.id))
        .where(landings.c.deployed_at.is_not(None))
        .group_by(landings.c.repo_id, landings.c.deploy_branch)
    )
    return sa.select(landings).where(landings.c.id.in_(newest)).order_by(landings.c.id)


def runs_of(ids: Sequence[int]) -> Query:
    return sa.select(runs).where(runs.c.id.in_(ids)).order_by(runs.c.id)


def rewritings(repo_id: int, branch: str) -> Query:
    """Incidents that took commits away from a branch."""
    return sa.select(incidents.c.id).where(
        incidents.c.repo_id == repo_id,
        incidents.c.ref == f"refs/heads/{branch}",
        incidents.c.kind.in_(("force-push", "deletion")),
    )


def overtaken() -> Query:
    """Lanes where something landed under a lease that was not handed out yet."""
    newest = (
        sa.select(
            landings.c.repo_id, landings.c.branch, sa.func.max(landings.c.fence).label("landed")
        )
        .group_by(landings.c.repo_id, landings.c.branch)
        .subquery()
    )
    return (
        sa.select(lanes.c.id, lanes.c.branch, lanes.c.lease_fence.label("fence"), newest.c.landed)
        .join(
            newest,
            sa.and_(newest.c.repo_id == lanes.c.repo_id, newest.c.branch == lanes.c.branch),
        )
        .where(newest.c.landed > lanes.c.lease_fence)
    )


def merge_words(pull_id: int, account_id: str, head: str) -> Query:
    return sa.select(words.c.id).where(
        words.c.pull_id == pull_id,
        words.c.name == "merge",
        words.c.account_id == account_id,
        words.c.head == head,
        words.c.said == "done",
    )


def words_heard() -> Query:
    """Every command with how far its pull request is; those of one that is gone are left out."""
    return (
        sa.select(words, pulls.c.done, pulls.c.wanted, pulls.c.problem)
        .join(pulls, pulls.c.id == words.c.pull_id)
        .where(pulls.c.why != GONE)
        .order_by(words.c.id)
    )


def answers() -> Query:
    """The marks of all comments that were sent, or that the forge would not take."""
    mark = receipts.c.detail["key"].as_string().label("mark")
    return sa.select(receipts.c.pull_id, mark).where(
        receipts.c.kind == "PostComment", receipts.c.state.in_(("done", "refused"))
    )


GONE = "gone from the forge"
