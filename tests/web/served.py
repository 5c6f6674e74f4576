"""The web process as it is run: gunicorn in a subprocess, on a free port, with its own database."""

from __future__ import annotations

import hmac
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from intakebot.core.dialect import read_request
from intakebot.store import schema
from intakebot.store.database import Database
from intakebot.store.tables import deliveries
from intakebot.world.ports import free_port
from tests.web.forge import NOW
from tests.web.world import some_settings

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = ROOT / "webhooks" / "git"
SECRET = "test-secret"
DOOR = "/hooks/git"

PROGRAM = """
import sys
from pathlib import Path
from intakebot import log
from intakebot.web.server import serve
from tests.web.world import some_settings
log.set_up()
serve(some_settings(Path(sys.argv[1])), "127.0.0.1", int(sys.argv[2]))
"""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Served:
    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, body or None, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.headers), answer.read().decode())

    def deliver(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        return self.ask("POST", DOOR, body, headers)

    def stored(self) -> list[Any]:
        """Every delivery in the database, read past the running process."""
        return stored(self.folder)

    def log(self) -> str:
        return (self.folder / "log").read_text()


def stored(folder: Path) -> list[Any]:
    database = Database(some_settings(folder).database_url)
    try:
        with database.read() as connection:
            return list(connection.execute(sa.select(deliveries).order_by(deliveries.c.id)))
    finally:
        database.close()


def prepare(folder: Path) -> None:
    database = Database(some_settings(folder).database_url)
    schema.upgrade(database, now=NOW)
    database.close()


@contextmanager
def serving(folder: Path, *, crash: str = "") -> Iterator[Served]:
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "INTAKEBOT_CRASH": crash}
    with open(folder / "log", "ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), str(port)],
            env=environment,
            stdout=out,
            stderr=out,
        )
    served = Served(folder, port, process)
    try:
        wait_until_live(served)
        yield served
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_live(served: Served) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert served.process.poll() is None, served.log()
        try:
            if served.ask("GET", "/livez").status == 200:
                return
        except (OSError, HTTPException):
            time.sleep(0.05)
    raise AssertionError(f"the web process did not start: {served.log()}")


def recorded(name: str) -> tuple[dict[str, str], bytes]:
    """Headers to send and exact body of a recorded delivery."""
    headers, body = read_request((RECORDINGS / name).read_bytes())
    sent = {key: value for key, value in headers.items() if key not in ("Host", "Content-Length")}
    return sent, body


def signed(body: bytes, delivery: str, event: str = "pull", **more: str) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-Intakebot-Event": event,
        "X-Intakebot-Delivery": delivery,
        "X-Intakebot-Signature": f"sha256={hmac.digest(SECRET.encode(), body, 'sha256').hex()}",
        **more,
    }


def event(number: int, actor: str = "3") -> bytes:
    document = {
        "event": "pull",
        "repository": {"id": "1", "name": "site"},
        "number": number,
        "actor": {"id": actor, "login": "ada"},
    }
    return json.dumps(document).encode()
