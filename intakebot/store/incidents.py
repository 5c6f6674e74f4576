"""What went round the front door."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from intakebot.model import Incident
from intakebot.store.tables import incidents, repos
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


def recent(connection: sa.Connection, limit: int = 50) -> list[sa.Row[Any]]:
    return list(
        connection.execute(
            sa.select(incidents, repos.c.name.label("repo"))
            .join(repos, repos.c.id == incidents.c.repo_id)
            .order_by(incidents.c.at.desc())
            .limit(limit)
        )
    )
