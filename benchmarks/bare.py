"""What `accept` compares with: the least that takes a delivery safely.

A Flask endpoint under plain gunicorn, with the number of threads that suits it best, which checks
the same HMAC and stores the same row as durably, one commit a request. It parses nothing, nudges
nothing and rings nothing. Three ways to store: `database`, through the house's own Database, as
all rooms but the door do; `straight`, past SQLAlchemy as the door does (ADR 0027); `sqlite3`, one
plain connection that the threads take in turn.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import sqlalchemy as sa
from flask import Flask, abort, request
from gunicorn.app.base import BaseApplication

from intakebot.store import schema
from intakebot.store.database import Database
from intakebot.store.tables import deliveries
from intakebot.store.upsert import new_rows

# With 16, as our own has, it answers fewer: whoever finds SQLite locked backs off.
THREADS = 8
KEPT = ("X-Intakebot-Delivery", "X-Intakebot-Event", "X-Intakebot-Signature")


Row = dict[str, Any]
Store = Callable[[Row], object]


def through_database(url: str) -> Store:
    database = Database(url)
    insert = new_rows(database.engine.dialect.name, deliveries)

    def store(row: Row) -> None:
        with database.write() as connection:
            connection.execute(insert, row)

    return store


def straight(url: str) -> Store:
    database = Database(url)

    def store(row: Row) -> None:
        with database.write_straight() as connection:
            connection.execute(INSERTED, row)

    return store


def through_sqlite3(url: str) -> Store:
    file = sa.make_url(url).database or ""
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    turn = Lock()

    def store(row: Row) -> None:
        at, headers = row["received_at"].timestamp(), json.dumps(row["headers"])
        plain = {**row, "received_at": int(at * 1_000_000), "headers": headers}
        with turn:
            connection.execute(INSERT, plain)

    return store


INSERTED = sa.insert(deliveries).inline()
INSERT = """
INSERT INTO deliveries (forge, delivery_id, received_at, headers, body, body_sha256)
VALUES (:forge, :delivery_id, :received_at, :headers, :body, :body_sha256) ON CONFLICT DO NOTHING
"""
WAYS: dict[str, Callable[[str], Store]] = {
    "database": through_database,
    "straight": straight,
    "sqlite3": through_sqlite3,
}


def make_app(store: Store, secret: str) -> Flask:
    app = Flask("bare")

    @app.get("/livez")
    def livez() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/hooks/git")
    def take() -> tuple[dict[str, str], int]:
        body = request.get_data(cache=False)
        wanted = hmac.digest(secret.encode(), body, "sha256").hex()
        if not hmac.compare_digest(request.headers[KEPT[2]], f"sha256={wanted}"):
            abort(401)
        store(
            {
                "forge": "git",
                "delivery_id": request.headers[KEPT[0]],
                "received_at": datetime.now(UTC),
                "headers": {name: request.headers[name] for name in KEPT},
                "body": body,
                "body_sha256": hashlib.sha256(body).hexdigest(),
            }
        )
        return {"status": "accepted"}, 202

    return app


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, port: int, way: str, url: str, secret: str) -> None:
        self._arguments = (way, url, secret)
        self._settings: dict[str, Any] = {
            "bind": f"127.0.0.1:{port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": THREADS,
            "keepalive": 5,
            "control_socket_disable": True,
            "loglevel": "warning",
        }
        super().__init__()

    def load_config(self) -> None:
        for key, value in self._settings.items():
            self.cfg.set(key, value)

    def load(self) -> Flask:
        way, url, secret = self._arguments
        return make_app(WAYS[way](url), secret)


if __name__ == "__main__":
    port, way, url, secret = sys.argv[1:]
    schema.upgrade(Database(url), now=datetime.now(UTC))
    _Server(int(port), way, url, secret).run()
