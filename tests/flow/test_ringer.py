"""A flood of nudges for one row rings a few times, and always once more after the last."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from intakebot.flow.ringer import PAUSE, Ringer


@dataclass
class Rung:
    """A bell that remembers when it was rung for what; `broken` fails that often first."""

    broken: int = 0
    rings: list[tuple[float, str]] = field(default_factory=list)

    def ring(self, bells: Sequence[str]) -> None:
        if self.broken:
            self.broken -= 1
            raise ConnectionError("no Redis")
        self.rings += [(time.monotonic(), bell) for bell in bells]

    def times(self, bell: str) -> list[float]:
        return [at for at, rung in self.rings if rung == bell]


def until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not ready():
        assert time.monotonic() < deadline, "it never rang"
        time.sleep(0.005)


def test_a_flood_for_one_row_rings_a_few_times_and_once_after_the_last() -> None:
    bell = Rung()
    ringer = Ringer(bell)
    first = time.monotonic()
    ringer.ring(["look:1"])
    until(lambda: bool(bell.rings))  # the first alone is enough for a ring
    while time.monotonic() < first + 3 * PAUSE:
        ringer.ring(["look:1"])
        time.sleep(0.001)
    last = time.monotonic()
    ringer.ring(["look:1"])
    until(lambda: bell.times("look:1")[-1] >= last)
    rung = bell.times("look:1")
    assert len(rung) <= (rung[-1] - first) / PAUSE + 2


def test_what_is_asked_for_many_rows_is_rung_for_each() -> None:
    bell = Rung()
    ringer = Ringer(bell)
    wanted = [f"look:{number}" for number in range(200)]
    for one in wanted:
        ringer.ring([one])
    until(lambda: len(bell.rings) >= len(wanted))
    assert [rung for _, rung in bell.rings] == wanted


def test_a_bell_that_fails_once_rings_the_next_time() -> None:
    bell = Rung(broken=1)
    ringer = Ringer(bell)
    ringer.ring(["look:1"])
    until(lambda: not bell.broken)
    ringer.ring(["look:2"])
    until(lambda: bool(bell.times("look:2")))
