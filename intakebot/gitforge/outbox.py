"""Webhook deliveries: rows written with the change they tell of, sent later by the sender."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any, NamedTuple

from intakebot.gitforge.people import Account
from intakebot.gitforge.repositories import Repo
from intakebot.gitforge.store import now, setting

GIVE_UP_AFTER = 24 * 3600.0  # seconds
LONGEST_WAIT = 60.0
KEPT = 7 * 24 * 3600.0  # seconds; after that a finished delivery is forgotten
LONGEST_PROBLEM = 200


class Delivery(NamedTuple):
    """`nonce` is 16 random bytes in hexadecimal, the same on every try."""

    id: int
    nonce: str
    event: str
    body: str
    tries: int
    made_at: float


def announce(
    db: sqlite3.Connection,
    event: str,
    main: Repo,
    actor: Account,
    *,
    number: int | None = None,
    sha: str | None = None,
    ref: str | None = None,
    comment: tuple[int, str] | None = None,
) -> None:
    """Call it inside the transaction of the change. Without a webhook nothing is kept."""
    if not setting(db, "webhook_url"):
        return
    body: dict[str, Any] = {
        "event": event,
        "repository": {"id": str(main.id), "name": main.name},
        "number": number,
        "sha": sha,
        "actor": {"id": str(actor.id), "login": actor.login},
        "comment": {"id": str(comment[0]), "text": comment[1]} if comment else None,
        "at": now(),
    }
    if ref:
        body["ref"] = ref
    lane = f"{main.id}#{number}" if number else f"{main.id}"
    moment = time.time()
    db.execute(
        "INSERT INTO delivery (event, lane, body, made_at, next_at) VALUES (?, ?, ?, ?, ?)",
        (event, lane, json.dumps(body), moment, moment),
    )


def due(db: sqlite3.Connection, limit: int) -> list[Delivery]:
    """The first waiting one of each lane, where its time has come."""
    rows = db.execute(
        "SELECT id, nonce, event, body, tries, made_at FROM delivery"
        " WHERE id IN (SELECT min(id) FROM delivery WHERE state = 'waiting' GROUP BY lane)"
        " AND next_at <= ? ORDER BY id LIMIT ?",
        (time.time(), limit),
    )
    return [Delivery(**dict(row)) for row in rows]


def sent(db: sqlite3.Connection, delivery: Delivery) -> None:
    db.execute(
        "UPDATE delivery SET state = 'sent', tries = tries + 1, problem = '' WHERE id = ?",
        (delivery.id,),
    )


def failed(db: sqlite3.Connection, delivery: Delivery, problem: str) -> None:
    """Try again after 1, 2, 4 ... 60 s; after a day it is dead and the next may go."""
    moment = time.time()
    wait = min(2.0 ** min(delivery.tries, 10), LONGEST_WAIT)
    state = "dead" if moment - delivery.made_at > GIVE_UP_AFTER else "waiting"
    db.execute(
        "UPDATE delivery SET state = ?, tries = tries + 1, next_at = ?, problem = ? WHERE id = ?",
        (state, moment + wait, problem[:LONGEST_PROBLEM], delivery.id),
    )


def forget_old(db: sqlite3.Connection) -> None:
    db.execute(
        "DELETE FROM delivery WHERE state != 'waiting' AND made_at < ?", (time.time() - KEPT,)
    )
