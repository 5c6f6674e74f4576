"""Strictly increasing moments, written as the product writes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

Now = Callable[[], datetime]


def real_time() -> datetime:
    return datetime.now(UTC)


class Moments:
    """No two asks get the same answer, so that an order by date is an order."""

    def __init__(self, now: Now) -> None:
        self.now = now
        self._lock = Lock()
        self._last = datetime.min.replace(tzinfo=UTC)

    def next(self) -> datetime:
        with self._lock:
            self._last = max(self.now(), self._last + timedelta(microseconds=1))
            return self._last


def written(moment: datetime) -> str:
    """ISO 8601 with microseconds and +00:00."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
