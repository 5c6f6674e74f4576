"""I4: what was put on a protected branch has the tree that every required check passed on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from intakebot.core.config import NAME, read_config
from intakebot.flow.promises.audit import Audit, Breach
from intakebot.repo.change import is_ancestor, tree_of
from intakebot.repo.git import Git
from intakebot.repo.mirror import NoSuchCommit
from intakebot.repo.objects import read_file
from intakebot.store import evidence

SAYS = "Every commit that landed has exactly the tree that all required checks passed on"


def breaches(audit: Audit) -> Iterator[Breach]:
    for landing in audit.rows(evidence.landed()):
        audit.saw()
        for what in _faults(audit, landing):
            yield Breach(
                f"#{landing.number}: {what}",
                {"commit": landing.commit, "tree": landing.tree, "checks": landing.checks},
            )


def _faults(audit: Audit, landing: sa.Row[Any]) -> Iterator[str]:
    try:
        git = audit.mirror(landing.repo_id, landing.commit).git
    except NoSuchCommit:
        yield "what landed is neither in the repository nor in our copy any more"
        return
    yield from _commit(git, landing)
    yield from _checks(audit, git, landing)


def _commit(git: Git, landing: sa.Row[Any]) -> Iterator[str]:
    if tree_of(git, landing.commit) != landing.tree:
        yield "the commit has another tree than the receipt says"
    if not is_ancestor(git, landing.base, landing.commit):
        yield f"it does not stand on {landing.base[:12]}, for which it was tested"
    if landing.method == "merge" and not is_ancestor(git, landing.head, landing.commit):
        yield f"it does not hold {landing.head[:12]}, which was approved"


def _checks(audit: Audit, git: Git, landing: sa.Row[Any]) -> Iterator[str]:
    """Required is what the target's configuration asked for when it landed."""
    runs = {row.id: row for row in audit.rows(evidence.runs_of(landing.checks))}
    for missing in set(landing.checks) - set(runs):
        yield f"its check run {missing} is gone"
    for run in runs.values():
        if run.outcome != "passed":
            yield f"check {run.name} ended as {run.outcome or run.state}"
        if run.tree != landing.tree:
            yield f"check {run.name} ran on another tree, {run.tree[:12]}"
    config = read_config(read_file(git, landing.base, NAME), tools=landing.tools_digest)
    passed = {(run.name, run.digest) for run in runs.values()}
    for check in config.checks:
        known = {name for name, _ in passed}
        # Landings of before the tools were written down can be compared by name alone.
        if (check.name, check.digest) not in passed and (
            landing.tools_digest or check.name not in known
        ):
            yield f"the required check {check.name} did not run on it as it was defined"
