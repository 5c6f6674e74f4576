"""Named steps at which a test may kill or stop the process, to show that nothing is lost there.

`INTAKEBOT_CRASH=name:n` kills this process with SIGKILL the n-th time it passes
`crashpoint("name")`. With `INTAKEBOT_CRASH=name:n@FILE` passes are counted over all processes that
are told so, in `FILE.passes`, and it happens only while FILE does not exist, and makes FILE first:
so a hook that lives for one push has a second pass too, and a supervised process comes back.

`INTAKEBOT_PAUSE`, of the same form, stops it with SIGSTOP instead, until somebody sends SIGCONT.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from signal import SIGKILL, SIGSTOP, Signals

_SIGNALS = {"INTAKEBOT_CRASH": SIGKILL, "INTAKEBOT_PAUSE": SIGSTOP}
_passes: Counter[str] = Counter()


@dataclass(frozen=True, slots=True)
class _Plan:
    """The signal that is due at the `count`-th pass of a step; `flag` is a file's path, or ""."""

    step: str
    count: int
    flag: str
    signal: Signals


def _read(variable: str) -> _Plan | None:
    wanted = os.environ.get(variable)
    if not wanted:
        return None
    plan, _, flag = wanted.partition("@")
    step, _, count = plan.partition(":")
    return _Plan(step, int(count or 1), flag, _SIGNALS[variable])


_plans: list[_Plan] = []  # read once: a step may be passed thousands of times a second


def read_again() -> None:
    """For a fork whose environment says something else than it did at the start."""
    _plans[:] = [plan for variable in _SIGNALS if (plan := _read(variable))]


read_again()


def crashpoint(name: str) -> None:
    for plan in _plans:
        if plan.step == name:
            _signal_if_due(plan)


def _signal_if_due(plan: _Plan) -> None:
    passes = _counted(plan.flag) if plan.flag else _counted_here(plan.step)
    if passes == plan.count and (not plan.flag or _first(plan.flag)):
        os.kill(os.getpid(), plan.signal)


def _counted_here(name: str) -> int:
    _passes[name] += 1
    return _passes[name]


def _counted(flag: str) -> int:
    """Appending is atomic, and where it ended is how often it was done, also among threads."""
    counter = os.open(f"{flag}.passes", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    try:
        os.write(counter, b".")
        return os.lseek(counter, 0, os.SEEK_CUR)
    finally:
        os.close(counter)


def _first(flag: str) -> bool:
    try:
        os.close(os.open(flag, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    return True
