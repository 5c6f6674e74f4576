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
OUTSIDE = "outside"  # the kind of those about a repository that is not behind the gate


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


def raise_alarm(connection: sa.Connection, repo_id: int, alarm: Incident, by: str) -> bool:
    """False when it is there already, and open or acknowledged by a person; one that `by` has
    acknowledged, because it was over, is opened again."""
    key = sa.and_(incidents.c.repo_id == repo_id, incidents.c.forge_key == alarm.id)
    if connection.scalar(sa.select(incidents.c.id).where(key)) is None:
        keep(connection, repo_id, [alarm])
        return True
    opened = connection.execute(
        sa.update(incidents)
        .where(key, incidents.c.acknowledged_by == by)
        .values(acknowledged_at=None, acknowledged_by="", at=alarm.at, detail=alarm.detail)
    )
    return opened.rowcount == 1


def unanswered(connection: sa.Connection) -> list[Row]:
    """Those that keep something from landing until somebody acknowledges them."""
    asked = _newest(50).where(
        incidents.c.acknowledged_at.is_(None), incidents.c.forge_key.startswith(PAST_US)
    )
    return list(connection.execute(asked))


def outside(connection: sa.Connection, forge: str = "") -> list[Row]:
    """Open alarms about repositories (their `forge_id` and `repo`) that are not behind the gate."""
    asked = (
        sa.select(incidents, repos.c.name.label("repo"), repos.c.forge_id)
        .join(repos, repos.c.id == incidents.c.repo_id)
        .where(incidents.c.kind == OUTSIDE, incidents.c.acknowledged_at.is_(None))
        .order_by(repos.c.name)
    )
    return list(connection.execute(asked.where(repos.c.forge == forge) if forge else asked))


def recent(connection: sa.Connection, limit: int = 50) -> list[Row]:
    return list(connection.execute(_newest(limit)))


def past_us(connection: sa.Connection, limit: int, offset: int = 0) -> list[Row]:
    """Those that somebody caused, or tried to."""
    asked = _newest(limit).where(incidents.c.kind != OUTSIDE)
    return list(connection.execute(asked.offset(offset)))


def _newest(limit: int) -> sa.Select[Any]:
    return (
        sa.select(incidents, repos.c.name.label("repo"))
        .join(repos, repos.c.id == incidents.c.repo_id)
        .order_by(incidents.c.at.desc())
        .limit(limit)
    )
