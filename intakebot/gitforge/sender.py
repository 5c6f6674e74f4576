"""Sends webhook deliveries, in order within each pull request, until they are acknowledged."""

from __future__ import annotations

import hashlib
import hmac
import signal
import sqlite3
import threading
import time
import uuid
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
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
_AT_ONCE = 4  # deliveries
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
    with connected(layout) as db:
        _loop(layout, db, done)


def _loop(layout: Layout, db: sqlite3.Connection, done: threading.Event) -> None:
    """Several at once, so that one that hangs holds up what must come after it and no more."""
    under_way: dict[Future[str], Delivery] = {}
    tidy_at = 0.0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while not done.is_set():
            if time.monotonic() >= tidy_at:
                _tidy(layout, db)
                tidy_at = time.monotonic() + _TIDY_EVERY
            webhook = setting(db, "webhook_url"), setting(db, "webhook_secret")
            for delivery in _startable(db, under_way.values()):
                under_way[pool.submit(_post, *webhook, delivery)] = delivery
            if under_way:
                _note(db, under_way, _PAUSE)
            else:
                done.wait(_PAUSE)
        while under_way:
            _note(db, under_way, None)


def _startable(db: sqlite3.Connection, under_way: Collection[Delivery]) -> list[Delivery]:
    """What is due and not on its way: only the first of each lane is ever due."""
    started = {delivery.id for delivery in under_way}
    due = outbox.due(db, _AT_ONCE)
    return [one for one in due if one.id not in started][: _AT_ONCE - len(started)]


def _note(
    db: sqlite3.Connection, under_way: dict[Future[str], Delivery], seconds: float | None
) -> None:
    """Write down how those ended that end within so many seconds."""
    ended, _ = wait(under_way, timeout=seconds, return_when=FIRST_COMPLETED)
    for future in ended:
        delivery, problem = under_way.pop(future), future.result()
        crashpoint("forge.after_post")
        with writing(db):
            if problem:
                outbox.failed(db, delivery, problem)
            else:
                outbox.sent(db, delivery)


def _tidy(layout: Layout, db: sqlite3.Connection) -> None:
    """A push whose hook was killed is told of too, not only when somebody asks."""
    with writing(db):
        outbox.forget_old(db)
    try:
        pushes.settle(db, layout)
    except ForgeError as error:
        print(f"forge-sender: {error}", flush=True)


_own = threading.local()


def _session() -> requests.Session:
    """This thread's."""
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
        _own.session.trust_env = False  # no proxy and no netrc of whoever started us
    session: requests.Session = _own.session
    return session


def _post(url: str, secret: str, delivery: Delivery) -> str:
    """ "" when it was acknowledged, else what went wrong."""
    crashpoint("forge.before_post")
    body = delivery.body.encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-Intakebot-Event": delivery.event,
        "X-Intakebot-Delivery": str(uuid.UUID(hex=delivery.nonce, version=4)),
        "X-Intakebot-Signature": f"sha256={digest}",
    }
    try:
        with _session().post(
            url, data=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False, stream=True
        ) as answer:
            return "" if 200 <= answer.status_code < 300 else f"answered {answer.status_code}"
    except requests.RequestException as error:
        return type(error).__name__
