"""Sends webhook deliveries, in order within each pull request, until they are acknowledged."""

from __future__ import annotations

import hashlib
import hmac
import signal
import sqlite3
import threading
import time
import uuid
from pathlib import Path
from types import FrameType

import requests

from intakebot.crash import crashpoint
from intakebot.gitforge import outbox, pushes
from intakebot.gitforge.layout import Layout
from intakebot.gitforge.outbox import Delivery
from intakebot.gitforge.store import ForgeError, connected, setting, writing

_PAUSE = 0.15  # seconds between looks at the outbox
_TIDY_EVERY = 5.0
_BATCH = 50
_TIMEOUT = (5.0, 10.0)  # connect, read


def run(state: Path, stop: threading.Event | None = None) -> None:
    """Until `stop` is set, or, in a main thread, until a SIGTERM."""
    done = stop or threading.Event()
    if stop is None:

        def end(_number: int, _frame: FrameType | None) -> None:
            done.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
    layout = Layout(state.absolute())
    with connected(layout) as db, requests.Session() as session:
        session.trust_env = False  # no proxy and no netrc of whoever started us
        _loop(layout, db, session, done)


def _loop(
    layout: Layout, db: sqlite3.Connection, session: requests.Session, done: threading.Event
) -> None:
    tidy_at = 0.0
    while not done.is_set():
        if time.monotonic() >= tidy_at:
            _tidy(layout, db)
            tidy_at = time.monotonic() + _TIDY_EVERY
        deliveries = outbox.due(db, _BATCH)
        for delivery in deliveries:
            if done.is_set():
                return
            _send(db, session, delivery)
        if not deliveries:
            done.wait(_PAUSE)


def _tidy(layout: Layout, db: sqlite3.Connection) -> None:
    """A push whose hook was killed is told of too, not only when somebody asks."""
    with writing(db):
        outbox.forget_old(db)
    try:
        pushes.settle(db, layout)
    except ForgeError as error:
        print(f"forge-sender: {error}", flush=True)


def _send(db: sqlite3.Connection, session: requests.Session, delivery: Delivery) -> None:
    crashpoint("forge.before_post")
    problem = _post(session, setting(db, "webhook_url"), setting(db, "webhook_secret"), delivery)
    crashpoint("forge.after_post")
    with writing(db):
        if problem:
            outbox.failed(db, delivery, problem)
        else:
            outbox.sent(db, delivery)


def _post(session: requests.Session, url: str, secret: str, delivery: Delivery) -> str:
    """ "" when it was acknowledged, else what went wrong."""
    body = delivery.body.encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-Intakebot-Event": delivery.event,
        "X-Intakebot-Delivery": str(uuid.UUID(hex=delivery.nonce, version=4)),
        "X-Intakebot-Signature": f"sha256={digest}",
    }
    try:
        with session.post(
            url, data=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False, stream=True
        ) as answer:
            return "" if 200 <= answer.status_code < 300 else f"answered {answer.status_code}"
    except requests.RequestException as error:
        return type(error).__name__
