"""Decisions of the past with the facts that they were made on, read in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa

from intakebot.core.backtest import Past
from intakebot.model import Facts
from intakebot.store.tables import facts, first_verdicts, looks, pulls, repos

PIECE = 500  # rows


def decisions(
    connection: sa.Connection, since: datetime | None = None, repo: str = "", newest: int = 0
) -> Iterator[Past]:
    """The first complete verdict on each commit, oldest first. `repo` is a name, "" is all;
    `newest` is how many of them at the most, 0 for all."""
    query = (
        sa.select(first_verdicts.c.at, looks.c.rules_digest, facts.c.body)
        .join(looks, looks.c.id == first_verdicts.c.look_id)
        .join(facts, facts.c.digest == looks.c.facts_digest)
        .order_by(first_verdicts.c.at, first_verdicts.c.pull_id, first_verdicts.c.head)
    )
    if since is not None:
        query = query.where(first_verdicts.c.at >= since)
    if repo:
        named = sa.select(pulls.c.id).join(repos, repos.c.id == pulls.c.repo_id)
        query = query.where(first_verdicts.c.pull_id.in_(named.where(repos.c.name == repo)))
    if newest:
        last = query.with_only_columns(first_verdicts.c.look_id).order_by(None)
        last = last.order_by(first_verdicts.c.look_id.desc()).limit(newest)
        query = query.where(first_verdicts.c.look_id.in_(last))
    rows = connection.execution_options(yield_per=PIECE).execute(query)
    for row in rows:
        yield Past(row.at, Facts(**row.body), row.rules_digest)


def knows_repo(connection: sa.Connection, repo: str) -> bool:
    found = connection.scalar(sa.select(repos.c.id).where(repos.c.name == repo).limit(1))
    return found is not None
