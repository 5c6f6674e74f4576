"""What went round the front door."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from intakebot.model import Account, Incident
from intakebot.store.tables import accounts, deliveries, incidents, repos
from intakebot.store.upsert import insert_new


def keep(connection: sa.Connection, repo_id: int, found: Iterable[Incident]) -> None:
    for incident in found:
        row = {
            "repo_id": repo_id,
            "forge_key": incident.id,
            "kind": incident.kind,
            "account_id": incident.by.id,
            "login": incident.by.login,
            "ref": incident.ref,
            "detail": incident.detail,
            "at": incident.at,
        }
        insert_new(connection, incidents, row)


Row = sa.Row[Any]
PAST_US = "past-us:"  # how the keys of incidents begin that freeze a lane


def who_pushed(connection: sa.Connection, repo_id: int, tip: str) -> Account | None:
    """Whoever a webhook said had pushed this commit, under the name the roster has for them."""
    forge = connection.scalar(sa.select(repos.c.forge).where(repos.c.id == repo_id))
    rows = connection.execute(
        sa.select(deliveries.c.actor, deliveries.c.body)
        .where(deliveries.c.repo_id == repo_id, deliveries.c.kind == "push")
        .order_by(deliveries.c.id.desc())
        .limit(50)
    )
    actor = next((row.actor for row in rows if row.actor and tip.encode() in row.body), None)
    if not tip or actor is None:
        return None
    login = connection.scalar(
        sa.select(accounts.c.login).where(accounts.c.forge == forge, accounts.c.account_id == actor)
    )
    return Account(actor, login or "somebody")


def freezes(incident: sa.Row[Any]) -> bool:
    """Whether nothing lands on its branch until it is acknowledged."""
    return str(incident.forge_key).startswith(PAST_US)


def find(connection: sa.Connection, incident_id: int) -> sa.Row[Any] | None:
    return connection.execute(
        sa.select(incidents).where(incidents.c.id == incident_id)
    ).one_or_none()


def acknowledge(connection: sa.Connection, incident_id: int, by: str, now: datetime) -> None:
    connection.execute(
        sa.update(incidents)
        .where(incidents.c.id == incident_id)
        .values(acknowledged_at=now, acknowledged_by=by)
    )


def is_open(connection: sa.Connection, repo_id: int, ref: str) -> bool:
    """Whether something that froze this branch has not been acknowledged yet."""
    return (
        connection.scalar(
            sa.select(incidents.c.id)
            .where(incidents.c.repo_id == repo_id, incidents.c.ref == ref)
            .where(incidents.c.forge_key.startswith(PAST_US), incidents.c.acknowledged_at.is_(None))
            .limit(1)
        )
        is not None
    )


def recent(connection: sa.Connection, limit: int = 50) -> list[sa.Row[Any]]:
    return list(
        connection.execute(
            sa.select(incidents, repos.c.name.label("repo"))
            .join(repos, repos.c.id == incidents.c.repo_id)
            .order_by(incidents.c.at.desc())
            .limit(limit)
        )
    )
