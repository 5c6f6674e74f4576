"""Links that sign somebody in, once."""

from __future__ import annotations

import secrets
from datetime import timedelta

from intakebot.settings import Settings
from intakebot.store import sign_ins
from intakebot.store.database import Database
from intakebot.wiring import now

LASTS = timedelta(minutes=30)


def one_time_link(found: Settings, database: Database, forge: str, account: str) -> str:
    """The address to open; whoever has it is this account for the pages."""
    token = secrets.token_urlsafe(24)
    with database.write() as connection:
        sign_ins.offer(connection, token, forge, account, now() + LASTS)
    return f"{found.public_url}/sign-in/{token}"
