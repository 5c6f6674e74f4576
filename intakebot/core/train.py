"""What the lane decides about an entry from the results on its merge tree. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from intakebot.model import CheckDefinition, CheckResult, Outcome


@dataclass(frozen=True, slots=True)
class Ready:
    """Every check passed on exactly the tree that is to land; `runs` are their ids."""

    runs: tuple[int, ...] = ()


def judge_results(
    checks: Sequence[CheckDefinition], results: Mapping[str, CheckResult | None]
) -> Ready | str | None:
    """Ready, why the entry is given up, or None while a result is missing.

    `results` maps a check's digest to its result on the merge tree; None has not ended yet.
    """
    ended = {check.name: results.get(check.digest) for check in checks}
    bad = [
        f"{name}: {result.summary}"
        for name, result in ended.items()
        if result is not None and result.outcome is not Outcome.PASSED
    ]
    if bad:
        return f"the merge result does not pass ({'; '.join(bad)})"
    if any(result is None for result in ended.values()):
        return None
    return Ready()
