"""The clock: rings again for what is due and nobody works on, and sends surveys round.

It makes lost nudges, lost Redis and lost deliveries cost time and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event

from intakebot import log
from intakebot.crash import crashpoint
from intakebot.flow.house import PATIENCE, House
from intakebot.model import TryLater
from intakebot.store import deliveries, letters, work
from intakebot.store.tables import lanes, pulls, repos

EVERY = 2.0  # seconds between sweeps
SURVEY_EVERY = timedelta(seconds=30)
CHORES_EVERY = timedelta(minutes=10)  # beside when a letter is due
TELL_EVERY = timedelta(days=1)
PIECE = 500  # deliveries emptied in one transaction, so that new ones need not wait
SETTLED = timedelta(minutes=1)
RING_AGAIN = timedelta(
    seconds=15
)  # for the same row: a backlog must not fill the queue with itself


@dataclass(slots=True)
class Clock:
    house: House
    survey_every: timedelta = SURVEY_EVERY
    told_at: datetime | None = field(default=None)
    went_at: dict[str, datetime] = field(default_factory=dict)  # a round, by its bell
    rung: dict[str, datetime] = field(default_factory=dict)

    def run(self, stop: Event) -> None:
        pause = min(EVERY, self.survey_every.total_seconds())
        while not stop.is_set():
            try:
                self.sweep()
            except TryLater as error:
                log.warning("sweep put off", why=str(error))
            stop.wait(pause)

    def sweep(self) -> None:
        now = self.house.now()
        with self.house.database.read() as connection:
            bells = [
                f"{kind}:{row}"
                for kind, table in (("look", pulls), ("survey", repos), ("lane", lanes))
                for row in work.overdue(connection, table, now, PATIENCE)
            ]
            bells += [f"run:{row}" for row in work.waiting_runs(connection, now, PATIENCE)]
            if self.house.channel is not None and letters.is_any_due(connection, now):
                bells.append("chores:0")
        crashpoint("clock.before_ring")
        self.house.bell.ring([*self._not_just_rung(bells, now), *self._rounds(now)])
        crashpoint("clock.after_ring")
        self._once_a_day(now)

    def _rounds(self, now: datetime) -> list[str]:
        """Those whose time has come, the first time at once."""
        every = {"discover:0": self.survey_every, "chores:0": CHORES_EVERY}
        due = [
            bell
            for bell, pause in every.items()
            if bell not in self.went_at or abs(now - self.went_at[bell]) >= pause
        ]
        self.went_at |= dict.fromkeys(due, now)
        return due

    def _once_a_day(self, now: datetime) -> None:
        """Forget what is old and tell the operator what to see to; the first time when others
        have had time to look."""
        if self.told_at is None:
            self.told_at = now - TELL_EVERY + SETTLED
        if abs(now - self.told_at) < TELL_EVERY:
            return
        self.told_at = now
        if self.house.bodies_kept is not None:
            self._forget(now - self.house.bodies_kept)
        for check in self.house.upkeep():
            if check.state != "ok":
                log.warning("see to this", about=check.about, what=check.what, cure=check.cure)

    def _forget(self, before: datetime) -> None:
        """What forges have sent is read back and judged within minutes; names in it are no use.
        Nor are letters that are over."""
        done, more = 0, True
        while more:
            with self.house.database.read() as connection:
                old, up_to = deliveries.with_old_bodies(connection, before, done, PIECE)
            if old:
                with self.house.database.write() as connection:
                    deliveries.empty(connection, old)
                log.info("deliveries emptied", count=len(old), older_than=str(before))
            done, more = up_to, up_to > done
        with self.house.database.write() as connection:
            gone = letters.forget(connection, before)
        if gone:
            log.info("letters forgotten", count=gone, older_than=str(before))

    def _not_just_rung(self, bells: Iterable[str], now: datetime) -> list[str]:
        self.rung = {bell: at for bell, at in self.rung.items() if abs(now - at) < RING_AGAIN}
        fresh = [bell for bell in bells if bell not in self.rung]
        self.rung |= dict.fromkeys(fresh, now)
        return fresh
