"""What intakebot promises, each looked for in what is there: database, repositories, forges.

A promise is a module with `SAYS` and `breaches`, and one line in `PROMISES`. Nothing is changed, so
all may be asked while the house is at work: what is under way is left alone then, and `quiet` says
that nothing is. Their numbers are those of docs/promises.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType

from intakebot.flow.promises import (
    answered,
    deliveries,
    entitled,
    fences,
    history,
    once,
    sealed,
    settled,
    tested,
)
from intakebot.flow.promises.audit import Audit, Breach

PROMISES: Mapping[str, ModuleType] = {
    "I1": deliveries,
    "I2": once,
    "I3": settled,
    "I4": tested,
    "I5": history,
    "I6": fences,
    "I7": entitled,
    "I10": answered,
    "I13": sealed,
}


@dataclass(frozen=True, slots=True)
class Kept:
    """One promise that was looked at; `looked_at` counts what could have broken it."""

    id: str
    says: str
    looked_at: int
    breach: Breach | None


def verify(audit: Audit) -> Iterator[Kept]:
    """Each promise in turn, with the first thing that breaks it, if any.

    Raises TryLater or OperatorError when a forge or a repository can't be asked.
    """
    for name, promise in PROMISES.items():
        if audit.offline and promise in (once, settled):
            continue
        audit.looked_at = 0
        breach = next(promise.breaches(audit), None)
        yield Kept(name, promise.SAYS, audit.looked_at, breach)
