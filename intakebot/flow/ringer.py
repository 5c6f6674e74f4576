"""Rings the bell beside whoever asks for it, and not over and over for the same row."""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Condition, Thread

from intakebot import log
from intakebot.flow.house import Bell

PAUSE = 0.5  # seconds between two rings for the same row
ROUND = 0.02  # seconds between any two: what is asked for meanwhile goes out together


class Ringer:
    """Every `ring` is followed by a real one, at once or within PAUSE; many may share it.

    A real one costs half of what storing a delivery does. The thread starts with the first.
    """

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._asked: dict[str, None] = {}  # in the order they were first asked for
        self._rung: dict[str, float] = {}
        self._changed = Condition()
        self._thread: Thread | None = None

    def ring(self, bells: Sequence[str]) -> None:
        if not bells:
            return
        with self._changed:
            more = any(bell not in self._asked for bell in bells)
            self._asked |= dict.fromkeys(bells)
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._ring_for_ever, daemon=True)
                self._thread.start()
            if more:  # else it knows when to go on, and to be woken up takes its time
                self._changed.notify()

    def _ring_for_ever(self) -> None:
        while True:
            due = self._wait_for_due()
            try:
                self._bell.ring(due)
            except Exception:
                log.bug("bells not rung")  # the sweep finds what is due
            time.sleep(ROUND)

    def _wait_for_due(self) -> list[str]:
        with self._changed:
            while True:
                now = time.monotonic()
                self._rung = {bell: at for bell, at in self._rung.items() if now - at < PAUSE}
                due = [bell for bell in self._asked if bell not in self._rung]
                if due:
                    break
                first = min((self._rung[bell] for bell in self._asked), default=None)
                self._changed.wait(None if first is None else first + PAUSE - now)
            for bell in due:
                del self._asked[bell]
                self._rung[bell] = now
            return due
