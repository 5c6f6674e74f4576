"""Counts the calls of a forge's API with all other processes of the house, through the database.

Whoever makes a call never waits for it: what they made is kept here, and a thread beside them
adds it to the common count every few seconds and reads what the others made. A database that is
locked, slow or gone costs exactness alone. So does a kill: the last few seconds' calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from threading import Lock, Thread
from time import monotonic

from intakebot import log
from intakebot.forges.bitbucket_cloud.allowance import HOUR, Spent
from intakebot.model import TryLater
from intakebot.store import calls
from intakebot.store.calls import Minute
from intakebot.store.database import Database

EVERY = 5.0  # seconds between exchanges
GLANCE = 0.2  # seconds that the first to ask wait to hear of the others
MINUTE = timedelta(minutes=1)
Key = tuple[str, datetime]  # whose, and the minute's beginning


class HouseCalls:
    """A `Ledger` that is exact to the minute, and errs to the side of more calls."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self.database = database
        self.now = now
        self.lock = Lock()
        self.unsaved: dict[Key, Minute] = {}
        self.saving: dict[Key, Minute] = {}  # on their way: neither lost nor counted twice
        self.known: list[Minute] = []  # as the database had them
        self.exchanged_at: float | None = None  # by the machine's steady clock
        self.thread: Thread | None = None
        self.failing = False

    def add(self, name: str, spent: Spent) -> None:
        minute = spent.at.replace(second=0, microsecond=0)
        one = Minute(name, minute, spent.calls, spent.limit, spent.near)
        with self.lock:
            _merge(self.unsaved, [one])
        self._exchange_if_due()

    def last_hour(self, name: str) -> Sequence[Spent]:
        first = self._exchange_if_due()
        if first is not None:
            first.join(GLANCE)
        since = self.now() - HOUR
        with self.lock:
            whole: dict[Key, Minute] = {}
            for some in (self.known, self.saving.values(), self.unsaved.values()):
                _merge(whole, some)
        own = (one for key, one in sorted(whole.items()) if key[0] == name)
        return [_spent(one) for one in own if one.minute + MINUTE > since]

    def save(self, within: float = 5.0) -> None:
        """For commands: wait so long, in seconds, for what is not in the common count yet."""
        for _ in range(2):  # an exchange that is under way may have begun without the last calls
            with self.lock:
                thread = self._start() if self.unsaved or self.saving else None
            if thread is not None:
                thread.join(within / 2)

    def _exchange_if_due(self) -> Thread | None:
        """Starts one where it is time; returns it if it is the first of all."""
        with self.lock:
            first = self.exchanged_at is None
            if not first and monotonic() - (self.exchanged_at or 0.0) < EVERY:
                return None
            self.exchanged_at = monotonic()
            thread = self._start()
        return thread if first else None

    def _start(self) -> Thread:
        """One at a time; under the lock."""
        if self.thread is None or not self.thread.is_alive():
            self.thread = Thread(target=self.exchange, name="calls", daemon=True)
            self.thread.start()
        return self.thread

    def exchange(self) -> None:
        """Add to the common count, and read it. A failure leaves all for the next time."""
        with self.lock:
            _merge(self.saving, self.unsaved.values())
            self.unsaved.clear()
            going = list(self.saving.values())
        since = self.now() - HOUR - MINUTE
        try:
            with self.database.write() as connection:
                calls.add(connection, going)
                calls.forget(connection, since)
                known = calls.since(connection, since)
        except TryLater as error:
            if not self.failing:
                log.warning("calls are counted by this process alone", why=str(error))
            self.failing = True
            return
        except Exception:
            log.bug("calls could not be counted")
            return
        with self.lock:
            self.known, self.failing = known, False
            self.saving.clear()


def _merge(into: dict[Key, Minute], found: Iterable[Minute]) -> None:
    for one in found:
        key = (one.counted_by, one.minute)
        had = into.get(key)
        into[key] = one if had is None else had._replace(
            calls=had.calls + one.calls,
            told_limit=one.told_limit or had.told_limit,
            near=had.near or one.near,
        )  # fmt: skip


def _spent(one: Minute) -> Spent:
    """As if all had been made at the minute's end."""
    return Spent(one.minute + MINUTE, one.calls, one.told_limit, one.near)
