"""What the lane decides about an entry from the results on its merge tree. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from intakebot.model import CheckDefinition, CheckResult, Outcome


@dataclass(frozen=True, slots=True)
class Ready:
    """Every check passed on exactly the tree that is to land; `runs` are their ids."""

    runs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Broken:
    """A check could not run on the merge tree: that is ours, and not the change's fault."""

    why: str


def judge_results(
    checks: Sequence[CheckDefinition], results: Mapping[str, CheckResult | None]
) -> Ready | Broken | str | None:
    """Ready, Broken, why the entry is given up, or None while a result is missing.

    `results` maps a check's digest to its result on the merge tree; None has not ended yet.
    """
    ended = {check.name: results.get(check.digest) for check in checks}
    if failed := _told(ended, Outcome.FAILED):
        return f"the merge result does not pass ({failed})"
    if broken := _told(ended, Outcome.BROKEN):
        return Broken(f"a check could not run on the merge result ({broken}); then /recheck")
    if any(result is None for result in ended.values()):
        return None
    return Ready()


def _told(ended: Mapping[str, CheckResult | None], outcome: Outcome) -> str:
    """`name: summary` of every check that ended so."""
    return "; ".join(
        f"{name}: {result.summary}"
        for name, result in ended.items()
        if result is not None and result.outcome is outcome
    )
