"""Tokens: 32 random bytes, shown once, kept as SHA-256."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3

from intakebot.gitforge.people import BOT, Caller, account_from, by_login
from intakebot.gitforge.store import ForgeError, now

SCOPES = ("person", "bot", "land", "web")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def make(db: sqlite3.Connection, login: str, scope: str) -> str:
    account = by_login(db, login)
    if account is None:
        raise ForgeError(f"login {login!r}: no such account; add the person first")
    if scope not in SCOPES:
        raise ForgeError(f"scope {scope!r}: choose one of {', '.join(SCOPES)}")
    if (scope == "person") == (login == BOT):
        raise ForgeError(f"scope {scope!r}: {BOT} alone has bot, land and web; people have person")
    token = secrets.token_urlsafe(32)
    db.execute(
        "INSERT INTO token (digest, account_id, scope, made_at) VALUES (?, ?, ?, ?)",
        (_digest(token), account.id, scope, now()),
    )
    return token


def bearer(db: sqlite3.Connection, login: str, token: str) -> Caller | None:
    """SHA-256 is enough for 32 random bytes, and every request of a push asks again."""
    row = db.execute(
        "SELECT account.id, login, name, scope FROM token"
        " JOIN account ON account.id = account_id WHERE digest = ? AND login = ?",
        (_digest(token), login),
    ).fetchone()
    return Caller(account_from(row), str(row["scope"])) if row else None
