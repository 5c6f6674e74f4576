"""Agencies that are new no longer: who may be, and of which that was said."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from intakebot.core.metrics.stories import OTHERS
from intakebot.model import Group
from intakebot.store.tables import accounts, decisions, notices, people, pulls, repos
from intakebot.store.upsert import insert_new


def candidates(connection: sa.Connection, least: int, long_ago: datetime) -> list[str]:
    """Agencies of which nothing was said or decided, by name, whose people have had `least` pull
    requests looked at, or one before then. The report may count fewer of them."""
    name = sa.case((people.c.group == Group.CONTRACTOR.value, OTHERS), else_=people.c.agency)
    query = (
        sa.select(name.label("agency"))
        .join(accounts, accounts.c.person_id == people.c.id)
        .join(
            pulls,
            sa.and_(pulls.c.author_id == accounts.c.account_id, pulls.c.looked_at.is_not(None)),
        )
        .join(repos, sa.and_(repos.c.id == pulls.c.repo_id, repos.c.forge == accounts.c.forge))
        .where(people.c.group.in_((Group.AGENCY.value, Group.CONTRACTOR.value)))
        .group_by(name)
        .having(
            sa.or_(
                sa.func.count(pulls.c.id) >= least,
                sa.func.min(pulls.c.first_seen_at) <= long_ago,
            )
        )
    )
    said = set(connection.scalars(sa.select(notices.c.agency)))
    said |= set(connection.scalars(sa.select(decisions.c.agency)))
    return sorted(found for found in connection.scalars(query) if found and found not in said)


def keep(
    connection: sa.Connection, agency: str, submissions: int, advice: str, inputs: str, at: datetime
) -> bool:
    """False where it was said before."""
    row = {"agency": agency, "submissions": submissions, "advice": advice, "inputs": inputs}
    return insert_new(connection, notices, row | {"at": at})


def undecided(connection: sa.Connection) -> list[tuple[str, str]]:
    """Agency and advice of those that nobody has decided on."""
    decided = sa.select(decisions.c.agency)
    query = sa.select(notices.c.agency, notices.c.advice).where(notices.c.agency.not_in(decided))
    return [
        (row.agency, row.advice) for row in connection.execute(query.order_by(notices.c.agency))
    ]
