"""One-time sign-in links. Only the SHA-256 of a link's token is kept."""

from __future__ import annotations

import hashlib
from datetime import datetime

import sqlalchemy as sa

from intakebot.store.tables import sign_ins


def offer(
    connection: sa.Connection, token: str, forge: str, account_id: str, expires_at: datetime
) -> None:
    connection.execute(
        sa.insert(sign_ins).values(
            token_sha256=_digest(token),
            forge=forge,
            account_id=account_id,
            expires_at=expires_at,
        )
    )


def use(connection: sa.Connection, token: str, now: datetime) -> tuple[str, str] | None:
    """(forge, account id) the first time an unexpired token is shown, None ever after."""
    row = connection.execute(
        sa.update(sign_ins)
        .where(sign_ins.c.token_sha256 == _digest(token))
        .where(sign_ins.c.used_at.is_(None), sign_ins.c.expires_at > now)
        .values(used_at=now)
        .returning(sign_ins.c.forge, sign_ins.c.account_id)
    ).one_or_none()
    return (row.forge, row.account_id) if row else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
