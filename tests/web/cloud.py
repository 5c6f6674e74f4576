"""Bitbucket Cloud's side of the door: what it sends, signed, and what the house then keeps."""

from __future__ import annotations

import hmac
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from intakebot.core.dialect import hook_secret, read_request
from intakebot.store.database import Database
from intakebot.store.tables import metadata
from intakebot.world.ports import free_port
from tests.web.served import ROOT, SECRET, Answer, Served, end, prepare, wait_until_live
from tests.web.world import some_settings

RECORDINGS = ROOT / "webhooks" / "bitbucket-cloud"
DOOR = "/hooks/bitbucket-cloud"
NONCE = "5e1f0c27a9b84d36c0d2e4f6a8b01c3d"
HOOK = f"{DOOR}/{NONCE}"
NEWER = "newer-secret"
REPO = "{5c1b7a52-93d3-4a2e-8f0e-6f2f7c0f4a11}"

PROGRAM = f"""
import sys
from dataclasses import replace
from pathlib import Path
from intakebot import log
from intakebot.web.server import serve
from tests.web.world import some_settings
log.set_up()
secrets = {{"git": ("git-secret",), "bitbucket-cloud": ({NEWER!r}, {SECRET!r})}}
settings = replace(some_settings(Path(sys.argv[1])), webhook_secrets=secrets)
serve(settings, "127.0.0.1", int(sys.argv[2]))
"""


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """A web process that has secrets for Git and, while one is rotated, two for Bitbucket Cloud."""
    prepare(folder)
    port = free_port()
    with open(folder / "log", "ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), str(port)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=out,
        )
    served = Served(folder, port, process)
    try:
        wait_until_live(served)
        yield served
    finally:
        end(process)


def recorded(name: str) -> tuple[str, dict[str, str], bytes]:
    """The address a recording was sent to, the headers to send, and its exact body."""
    data = (RECORDINGS / name).read_bytes()
    headers, body = read_request(data)
    sent = {key: value for key, value in headers.items() if key not in ("Host", "Content-Length")}
    return data.split()[1].decode(), sent, body


def pull_event(number: int, **more: object) -> bytes:
    pull = {"id": number, "source": {"commit": {"hash": "3f9c1e2ab0d8"}}, **more}
    actor = {"uuid": "{a11ce000-0000-4000-8000-000000000003}", "type": "user"}
    return json.dumps({"repository": {"uuid": REPO}, "actor": actor, "pullrequest": pull}).encode()


def signed(
    body: bytes,
    delivery: str,
    event: str = "pullrequest:updated",
    secret: str | None = None,
    **more: str,
) -> dict[str, str]:
    key = (hook_secret(SECRET, NONCE) if secret is None else secret).encode()
    return {
        "Content-Type": "application/json",
        "X-Event-Key": event,
        "X-Request-UUID": delivery,
        "X-Attempt-Number": "1",
        "X-Hub-Signature": f"sha256={hmac.digest(key, body, 'sha256').hex()}",
        **more,
    }


def post(served: Served, body: bytes, headers: Mapping[str, str], place: str = HOOK) -> Answer:
    return served.ask("POST", place, body, headers)


def ids(served: Served) -> list[str]:
    return [row.delivery_id for row in served.stored()]


Rows = dict[tuple[object, ...], dict[str, Any]]


def kept(served: Served) -> Rows:
    """(table, key) -> row, of everything the house keeps but the deliveries themselves."""
    database = Database(some_settings(served.folder).database_url)
    try:
        with database.read() as connection:
            return {
                (table.name, *(row._mapping[column] for column in table.primary_key)): row._asdict()
                for table in metadata.sorted_tables
                if table.name != "deliveries"
                for row in connection.execute(sa.select(table))
            }
    finally:
        database.close()


def changes(before: Rows, after: Rows) -> list[tuple[object, dict[str, Any]]]:
    """(table, what is new or other in it) of each row that is; rows must not vanish."""
    assert set(before) <= set(after)
    found = []
    for place, row in after.items():
        old = before.get(place, {})
        new = {key: value for key, value in row.items() if key not in old or old[key] != value}
        if new:
            found.append((place[0], new))
    return found
