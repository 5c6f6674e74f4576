"""The contributor report for the pages: made at most once a minute, by one request at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from intakebot.flow.house import House
from intakebot.model import TryLater
from intakebot.settings import Settings

if TYPE_CHECKING:
    from intakebot.report.build import Report

FRESH = 60.0  # seconds; of a large house longer, so that it does not only make reports
SHARE = 20  # times what making one took
PATIENCE = 20.0  # seconds that a request waits for another one's report


@dataclass
class Reports:
    settings: Settings
    house: House
    _lock: Lock = field(default_factory=Lock)
    _made: Report | None = None
    _at: float = 0.0
    _took: float = 0.0
    _stale: bool = True

    def now(self) -> Report:
        """Of all agencies. Raises OperatorError where there is nothing to report on yet."""
        if not self._lock.acquire(timeout=PATIENCE):
            raise TryLater("the report is being made; it takes a while", after=PATIENCE)
        try:
            age = monotonic() - self._at
            if self._made is None or self._stale or age > max(FRESH, SHARE * self._took):
                self._stale = False
                started = monotonic()
                self._made = self._make()
                self._at = monotonic()
                self._took = self._at - started
            return self._made
        finally:
            self._lock.release()

    def at_hand(self) -> Report | None:
        """The last one that was made, whatever its age; nobody waits for it."""
        return self._made

    def forget(self) -> None:
        """Something was decided or said: the next one shall have it."""
        self._stale = True

    def _make(self) -> Report:
        from intakebot.report import gather  # what counts takes a second to load

        return gather.of_house(self.house.database, self.settings)
