"""Time that tests put forward at will."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass
class Clock:
    """The world's time and ours: real, and put forward at will."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def later(self, minutes: float) -> None:
        self.ahead += timedelta(minutes=minutes)
