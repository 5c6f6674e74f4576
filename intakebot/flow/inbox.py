"""The door's inside: a delivery is answered once it is committed, and the bell rings afterwards.

Requests hand their delivery to one writer thread, which commits all that wait in one go. Many
SQLite writers with synchronous FULL would back off for half a second at the 99th percentile.
"""

from __future__ import annotations

import queue
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock, Thread

from intakebot import log
from intakebot.crash import crashpoint
from intakebot.flow.house import Bell
from intakebot.model import Delivery, Event, Ignored, TryLater
from intakebot.store import inbox
from intakebot.store.database import Database

MOST_AT_ONCE = 64
PATIENCE = 15.0  # seconds a request waits for its commit


@dataclass(frozen=True, slots=True)
class _Waiting:
    delivery: Delivery
    event: Event | Ignored
    kept: Future[bool] = field(default_factory=Future)


class Inbox:
    """`take` may be called from any thread; the writer starts with the first delivery."""

    def __init__(
        self, database: Database, bell: Bell, by_connection: frozenset[str] = frozenset()
    ) -> None:
        self.database = database
        self.bell = bell
        self.by_connection = by_connection
        self.waiting: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self.writer: Thread | None = None
        self.lock = Lock()

    def take(self, delivery: Delivery, event: Event | Ignored) -> bool:
        """True when it is new and stored, False for a repeat. Raises TryLater if it can't be."""
        with self.lock:
            if self.writer is None or not self.writer.is_alive():
                self.writer = Thread(target=self._write_for_ever, daemon=True)
                self.writer.start()
        item = _Waiting(delivery, event)
        self.waiting.put(item)
        try:
            return item.kept.result(PATIENCE)
        except TimeoutError as error:
            raise TryLater("the database takes too long") from error

    def _write_for_ever(self) -> None:
        while True:
            batch = [self.waiting.get()]
            while len(batch) < MOST_AT_ONCE and not self.waiting.empty():
                batch.append(self.waiting.get())
            self.bell.ring(self._commit(batch))

    def _commit(self, batch: list[_Waiting]) -> list[str]:
        """Keep all in one transaction; when that fails, one by one, so each gets its own answer."""
        try:
            return self._keep(batch)
        except Exception as error:
            if len(batch) > 1:
                return [bell for item in batch for bell in self._commit([item])]
            if not isinstance(error, TryLater):
                log.bug("delivery not stored", forge=batch[0].delivery.forge)
            batch[0].kept.set_exception(error)
            return []

    def _keep(self, batch: list[_Waiting]) -> list[str]:
        bells: list[str] = []
        new = []
        with self.database.write() as connection:
            for item in batch:
                rings = inbox.keep(connection, item.delivery, item.event, self.by_connection)
                new.append(rings is not None)
                bells += rings or []
            crashpoint("hook.before_commit")
        crashpoint("hook.after_commit")
        for item, is_new in zip(batch, new, strict=True):
            item.kept.set_result(is_new)
        return bells
