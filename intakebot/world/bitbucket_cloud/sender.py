"""Sends webhook deliveries from one thread, in order; can lose, double, hold and reorder them."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import requests

LARGEST = 256 * 1024  # bytes; a larger delivery is silently not sent
TRIES = 3  # the first one and two more, on a 5xx alone
TIMEOUT = 10.0  # seconds

Outcome = Literal["waiting", "held", "sent", "dropped", "too-large", "failed"]


@dataclass(slots=True)
class Delivery:
    """`attempts` holds the statuses that came back; 0 is a connection that failed."""

    hook: str
    url: str
    event: str
    body: bytes
    secret: str
    request: str = field(default_factory=lambda: str(uuid.uuid4()))
    outcome: Outcome = "waiting"
    attempts: list[int] = field(default_factory=list)

    def headers(self, attempt: int) -> dict[str, str]:
        found = {
            "Content-Type": "application/json",
            "User-Agent": "Bitbucket-Webhooks/2.0",
            "X-Event-Key": self.event,
            "X-Hook-UUID": self.hook.strip("{}"),
            "X-Request-UUID": self.request,
            "X-Attempt-Number": str(attempt),
        }
        if self.secret:
            digest = hmac.new(self.secret.encode(), self.body, hashlib.sha256).hexdigest()
            found["X-Hub-Signature"] = f"sha256={digest}"
        return found


class Sender:
    """`history` has every delivery that ever came up, whatever became of it."""

    def __init__(self) -> None:
        self.history: list[Delivery] = []
        self.pause_between_tries = 0.0  # seconds
        self._queue: deque[Delivery] = deque()
        self._held: list[Delivery] = []
        self._holding = False
        self._drop: Callable[[Delivery], bool] = _never
        self._double: Callable[[Delivery], bool] = _never
        self._busy = False
        self._stopped = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="bitbucket-hooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join(TIMEOUT * TRIES + 5)

    # Mischief.

    def hold(self) -> None:
        with self._changed:
            self._holding = True

    def release(self, *, reverse: bool = False, count: int | None = None) -> None:
        """Send what is held, oldest first or newest first. `count` keeps the rest held."""
        with self._changed:
            waiting = list(reversed(self._held)) if reverse else list(self._held)
            going = waiting[:count]
            self._held = [one for one in self._held if one not in going]
            if count is None:
                self._holding = False
            for one in going:
                one.outcome = "waiting"
            self._queue.extend(going)
            self._changed.notify_all()

    def drop(self, times: int | None = None, event: str = "") -> None:
        """Lose the next `times` deliveries (None: all) of `event` ("" any)."""
        with self._changed:
            self._drop = _counted(times, event)

    def double(self, times: int | None = None, event: str = "") -> None:
        with self._changed:
            self._double = _counted(times, event)

    def behave(self) -> None:
        """No more dropping or doubling; held ones go out."""
        with self._changed:
            self._drop = self._double = _never
        self.release()

    def again(self, delivery: Delivery) -> None:
        """Send an old one once more, byte by byte, under the same request id."""
        with self._changed:
            self._queue.append(delivery)
            self._changed.notify_all()

    # What the product does.

    def put(self, delivery: Delivery) -> None:
        with self._changed:
            self.history.append(delivery)
            if len(delivery.body) > LARGEST:
                delivery.outcome = "too-large"
            elif self._drop(delivery):
                delivery.outcome = "dropped"
            elif self._holding:
                delivery.outcome = "held"
                self._held += [delivery] * (2 if self._double(delivery) else 1)
            else:
                self._queue.extend([delivery] * (2 if self._double(delivery) else 1))
            self._changed.notify_all()

    def settled(self, timeout: float = 15.0) -> bool:
        """Wait until nothing is on its way (held ones do not count)."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue and not self._busy, timeout)

    def _run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while (delivery := self._next()) is not None:
                self._send(session, delivery)

    def _next(self) -> Delivery | None:
        with self._changed:
            self._busy = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._stopped or bool(self._queue))
            if self._stopped:
                return None
            self._busy = True
            return self._queue.popleft()

    def _send(self, session: requests.Session, delivery: Delivery) -> None:
        for attempt in range(1, TRIES + 1):
            status = self._try(session, delivery, attempt)
            delivery.attempts.append(status)
            delivery.outcome = "sent" if 200 <= status < 300 else "failed"
            if not 500 <= status < 600 or self._stopped:
                return
            time.sleep(self.pause_between_tries)

    def _try(self, session: requests.Session, delivery: Delivery, attempt: int) -> int:
        headers = delivery.headers(attempt)
        try:
            with session.post(
                delivery.url, data=delivery.body, headers=headers, timeout=TIMEOUT
            ) as answer:
                return answer.status_code
        except requests.RequestException:
            return 0


def _never(_: Delivery) -> bool:
    return False


def _counted(times: int | None, event: str) -> Callable[[Delivery], bool]:
    left = [times]

    def hit(delivery: Delivery) -> bool:
        if event and delivery.event != event:
            return False
        if left[0] is None:
            return True
        left[0] -= 1
        return left[0] >= 0

    return hit
