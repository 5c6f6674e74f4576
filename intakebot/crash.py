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
from signal import SIGKILL, SIGSTOP, Signals

_passes: Counter[str] = Counter()


def crashpoint(name: str) -> None:
    for variable, number in (("INTAKEBOT_CRASH", SIGKILL), ("INTAKEBOT_PAUSE", SIGSTOP)):
        if wanted := os.environ.get(variable):
            _signal_if_due(name, wanted, number)


def _signal_if_due(name: str, wanted: str, number: Signals) -> None:
    plan, _, flag = wanted.partition("@")
    step, _, count = plan.partition(":")
    if step != name:
        return
    passes = _counted(flag) if flag else _counted_here(name)
    if passes == int(count or 1) and (not flag or _first(flag)):
        os.kill(os.getpid(), number)


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
