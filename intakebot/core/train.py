"""What the lane decides about an entry from the results on its merge tree. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from intakebot.core.checking import Checked, Tasks
from intakebot.model import Outcome


@dataclass(frozen=True, slots=True)
class Ready:
    """Every required check passed on exactly the tree that is to land, or found nothing there that
    the target has not; `runs` are the ids of all runs that say so."""

    runs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Broken:
    """A check could not run on the merge tree: that is ours, and not the change's fault."""

    why: str


def judge_results(tasks: Tasks, checked: Checked) -> Ready | Broken | str | None:
    """Ready, Broken, why the entry is given up, or None while a result is missing.

    `tasks` are those of the required checks on the merge tree.
    """
    if failed := _told(tasks, checked, Outcome.FAILED):
        return f"the merge result does not pass ({failed})"
    if broken := _told(tasks, checked, Outcome.BROKEN):
        return Broken(f"a check could not run on the merge result ({broken}); then /recheck")
    if checked.unclear:
        names = ", ".join(check.name for check in checked.unclear)
        return Broken(
            f"what fails on the merge result fails on the target too, and nothing tells whether "
            f"it is worse ({names}); mend the target first"
        )
    if len(checked.results) < len(tasks.checks):
        return None
    return Ready()


def _told(tasks: Tasks, checked: Checked, outcome: Outcome) -> str:
    """`name: summary` of every check that ended so."""
    ended = [(check.name, checked.results.get(check.digest)) for check in tasks.checks]
    return "; ".join(
        f"{name}: {result.summary}"
        for name, result in ended
        if result is not None and result.outcome is outcome
    )
