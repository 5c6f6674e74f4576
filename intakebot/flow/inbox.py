"""The door's inside: a delivery is answered once it is committed, and the bell rings afterwards.

Of the requests that wait, whoever gets the lock commits for all of them in one go. Many SQLite
writers with synchronous FULL would back off for half a second at the 99th percentile, and a
thread of its own to write would cost each delivery two changes of thread.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock

from intakebot import log
from intakebot.crash import crashpoint
from intakebot.flow.house import Bell
from intakebot.flow.ringer import Ringer
from intakebot.model import Delivery, Event, Ignored, TryLater
from intakebot.store import inbox
from intakebot.store.database import Database

MOST_AT_ONCE = 64
PATIENCE = 15.0  # seconds a request waits for its turn


@dataclass(slots=True, eq=False)
class _Waiting:
    """`kept` is None until it was tried: then whether it is new, or why it can't be stored."""

    delivery: Delivery
    event: Event | Ignored
    kept: bool | Exception | None = None


class Inbox:
    """`take` may be called from any thread."""

    def __init__(
        self, database: Database, bell: Bell, by_connection: frozenset[str] = frozenset()
    ) -> None:
        self.database = database
        self.ringer = Ringer(bell)
        self.by_connection = by_connection
        self.waiting: deque[_Waiting] = deque()
        self.turn = Lock()

    def take(self, delivery: Delivery, event: Event | Ignored) -> bool:
        """True when it is new and stored, False for a repeat. Raises TryLater if it can't be."""
        item = _Waiting(delivery, event)
        self.waiting.append(item)
        if not self.turn.acquire(timeout=PATIENCE):
            raise TryLater("the database takes too long")
        try:
            while item.kept is None:  # nobody has committed it for us meanwhile
                self._commit(self._next())
        finally:
            self.turn.release()
        if isinstance(item.kept, Exception):
            raise item.kept
        return item.kept

    def _next(self) -> list[_Waiting]:
        return [self.waiting.popleft() for _ in range(min(len(self.waiting), MOST_AT_ONCE))]

    def _commit(self, batch: list[_Waiting]) -> None:
        """Keep all in one transaction; when that fails, one by one, so each gets its own answer."""
        try:
            self._keep(batch)
        except TryLater as error:  # the database can't now, whatever it is asked
            for item in batch:
                item.kept = error
        except Exception as error:
            if len(batch) > 1:
                for item in batch:
                    self._commit([item])
                return
            log.bug("delivery not stored", forge=batch[0].delivery.forge)
            batch[0].kept = error

    def _keep(self, batch: list[_Waiting]) -> None:
        try:
            kept = self._store(batch, all_new=True)
        except inbox.Repeated:
            kept = self._store(batch, all_new=False)
        crashpoint("hook.after_commit")
        for item, is_new in zip(batch, kept.new, strict=True):
            item.kept = is_new
        self.ringer.ring(kept.bells)

    def _store(self, batch: list[_Waiting], *, all_new: bool) -> inbox.Kept:
        pairs = [(item.delivery, item.event) for item in batch]
        with self.database.write_straight() as connection:
            kept = inbox.keep(connection, pairs, self.by_connection, all_new=all_new)
            crashpoint("hook.before_commit")
        return kept
