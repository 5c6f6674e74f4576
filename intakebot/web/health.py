"""`/livez`: the process answers. `/readyz`: it can also do its work."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from flask import Blueprint, current_app

from intakebot.model import TryLater
from intakebot.store import pages, schema
from intakebot.store.database import Database

LONGEST = 1.0  # seconds a probe may take


class Readiness:
    """Probes with connections of its own, so that a busy house can't make it wait."""

    def __init__(self, url: str) -> None:
        self._database = Database(url, busy_seconds=LONGEST / 2)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="readyz")
        self._lock = Lock()
        self._probe: Future[str] | None = None

    def problem(self) -> str:
        """One word, or "" when all is well. Probes that come together share one answer."""
        with self._lock:
            if self._probe is None or self._probe.done():
                self._probe = self._pool.submit(self._ask)
            probe = self._probe
        try:
            return probe.result(LONGEST)
        except TimeoutError:
            return "slow"

    def _ask(self) -> str:
        try:
            found = schema.version(self._database)
            if found != schema.NEWEST:
                return "schema"
            with self._database.write() as connection:
                pages.prove_writable(connection)
        except TryLater:
            return "database"
        return ""

    def close(self) -> None:
        self._pool.shutdown()
        self._database.close()


health = Blueprint("health", __name__)


@health.get("/livez")
def livez() -> dict[str, str]:
    return {"status": "ok"}


@health.get("/readyz")
def readyz() -> tuple[dict[str, str], int]:
    readiness: Readiness = current_app.extensions["intakebot"].readiness
    problem = readiness.problem()
    return ({"status": problem}, 503) if problem else ({"status": "ok"}, 200)
