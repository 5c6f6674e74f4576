"""When a forge last reached us."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from intakebot.store.tables import deliveries, repos


def last_received(connection: sa.Connection, forge: str, forge_id: str) -> datetime | None:
    """The newest delivery about this repository; None when none has arrived."""
    found: datetime | None = connection.scalar(
        sa.select(deliveries.c.received_at)
        .join(repos, deliveries.c.repo_id == repos.c.id)
        .where(repos.c.forge == forge, repos.c.forge_id == forge_id)
        .order_by(deliveries.c.id.desc())
        .limit(1)
    )
    return found
