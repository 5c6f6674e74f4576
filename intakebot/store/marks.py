"""Which comments are the bot's, on forges that keep no keys of ours."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from intakebot.store.tables import marks
from intakebot.store.upsert import insert_new


def of_pull(connection: sa.Connection, pull_id: int) -> dict[str, str]:
    """Comment id -> key."""
    rows = connection.execute(
        sa.select(marks.c.comment_id, marks.c.key).where(marks.c.pull_id == pull_id)
    )
    return {row.comment_id: row.key for row in rows}


def keep(connection: sa.Connection, pull_id: int, found: Mapping[str, str]) -> None:
    """Add comment id -> key; one that is known already stays as it is."""
    for comment_id, key in found.items():
        insert_new(connection, marks, {"pull_id": pull_id, "comment_id": comment_id, "key": key})
