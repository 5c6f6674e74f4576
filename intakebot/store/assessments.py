"""What people decided and said about agencies. Nothing here is ever changed or taken away."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from intakebot.store.tables import decisions, remarks


def decide(
    connection: sa.Connection,
    agency: str,
    *,
    verdict: str,
    reason: str,
    advice: str,
    inputs: str,
    by: str,
    at: datetime,
) -> None:
    values = {"verdict": verdict, "reason": reason, "advice": advice, "inputs": inputs}
    connection.execute(sa.insert(decisions).values(agency=agency, by=by, at=at, **values))


def remark(connection: sa.Connection, agency: str, *, text: str, by: str, at: datetime) -> None:
    connection.execute(sa.insert(remarks).values(agency=agency, text=text, by=by, at=at))


def all_decisions(connection: sa.Connection) -> list[sa.Row[tuple[object, ...]]]:
    """Oldest first."""
    return list(connection.execute(sa.select(decisions).order_by(decisions.c.id)))


def all_remarks(connection: sa.Connection) -> list[sa.Row[tuple[object, ...]]]:
    """Oldest first."""
    return list(connection.execute(sa.select(remarks).order_by(remarks.c.id)))
