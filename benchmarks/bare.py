"""What `accept` compares with: the least that takes a delivery safely.

A Flask endpoint under the same gunicorn with as many threads, which checks the same HMAC and
stores the same row through the same Database, one commit a request. It parses nothing, nudges
nothing and rings nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import sys
from datetime import UTC, datetime
from typing import Any

from flask import Flask, abort, request
from gunicorn.app.base import BaseApplication

from intakebot.store import schema
from intakebot.store.database import Database
from intakebot.store.tables import deliveries
from intakebot.store.upsert import new_rows

KEPT = ("X-Intakebot-Delivery", "X-Intakebot-Event", "X-Intakebot-Signature")


def make_app(database: Database, secret: str) -> Flask:
    app = Flask("bare")
    insert = new_rows(database.engine.dialect.name, deliveries)

    @app.get("/livez")
    def livez() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/hooks/git")
    def take() -> tuple[dict[str, str], int]:
        body = request.get_data(cache=False)
        wanted = hmac.digest(secret.encode(), body, "sha256").hex()
        if not hmac.compare_digest(request.headers[KEPT[2]], f"sha256={wanted}"):
            abort(401)
        row = {
            "forge": "git",
            "delivery_id": request.headers[KEPT[0]],
            "received_at": datetime.now(UTC),
            "headers": {name: request.headers[name] for name in KEPT},
            "body": body,
            "body_sha256": hashlib.sha256(body).hexdigest(),
        }
        with database.write() as connection:
            connection.execute(insert, row)
        return {"status": "accepted"}, 202

    return app


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, port: int, url: str, secret: str) -> None:
        self._arguments = (url, secret)
        self._settings: dict[str, Any] = {
            "bind": f"127.0.0.1:{port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": 8,
            "keepalive": 5,
            "control_socket_disable": True,
            "loglevel": "warning",
        }
        super().__init__()

    def load_config(self) -> None:
        for key, value in self._settings.items():
            self.cfg.set(key, value)

    def load(self) -> Flask:
        url, secret = self._arguments
        return make_app(Database(url), secret)


if __name__ == "__main__":
    schema.upgrade(Database(sys.argv[2]), now=datetime.now(UTC))
    _Server(int(sys.argv[1]), sys.argv[2], sys.argv[3]).run()
