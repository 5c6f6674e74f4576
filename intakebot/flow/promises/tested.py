"""I4: what was put on a protected branch has the tree that every required check passed on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from intakebot.core.checkfile import Toolset
from intakebot.core.checking import Tasks, without_optional, worse
from intakebot.core.config import NAME, BadConfig, read_config
from intakebot.flow.promises.audit import Audit, Breach
from intakebot.flow.tasks import tasks_of
from intakebot.model import Outcome
from intakebot.repo.change import changed_files, is_ancestor, tree_of
from intakebot.repo.git import Git
from intakebot.repo.mirror import NoSuchCommit
from intakebot.repo.objects import read_file
from intakebot.store import evidence
from intakebot.store.runs import finding

SAYS = (
    "Every commit that landed has exactly the tree that all required checks passed on, "
    "but for what its target had already"
)


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
    ran = {(run.digest, run.tree): run for run in runs.values()}
    tasks = _tasks(audit, git, landing)
    for check in tasks.checks:
        task, before = tasks.here[check.digest], tasks.before.get(check.digest)
        run = ran.pop((check.digest, task.tree), None)
        old = ran.pop((check.digest, before.tree), None) if before else None
        elsewhere = [one for key, one in ran.items() if key[0] == check.digest]
        if run is None and not landing.tools_digest:
            # Landings of before the tools were written down can be compared by name alone.
            run = next((one for one in runs.values() if one.name == check.name), None)
            ran = {key: one for key, one in ran.items() if one is not run}
        if run is None and elsewhere:
            yield f"check {check.name} ran on another tree, {elsewhere[0].tree[:12]}"
        elif run is None:
            yield f"the required check {check.name} did not run on it as it was defined"
        elif not _passed(run, old):
            yield f"check {check.name} ended as {run.outcome or run.state}"
    for run in ran.values():
        yield from _other(run, landing)


def _tasks(audit: Audit, git: Git, landing: sa.Row[Any]) -> Tasks:
    """The required checks as the target's configuration had them then, and what each had to see.

    What a preset held, and which tools were here, is known only while both are what they were.
    """
    now = audit.house.toolset()
    toolset = now if now.digest == landing.tools_digest else Toolset(landing.tools_digest)
    try:
        config = read_config(read_file(git, landing.base, NAME), toolset)
    except BadConfig:  # it needs what a preset of then had; what ran is looked at all the same
        return Tasks()
    files = changed_files(git, landing.base, landing.tree)
    checks = without_optional(config.checks)
    return tasks_of(git, checks, files, landing.tree, tree_of(git, landing.base))


def _passed(run: sa.Row[Any], before: sa.Row[Any] | None) -> bool:
    """Or found nothing but what the target has: the same judgement as the lane's."""
    if run.outcome in (Outcome.PASSED, Outcome.FLAKY):
        return True
    if run.outcome != Outcome.FAILED or before is None or before.outcome != Outcome.FAILED:
        return False
    found, known = ([finding(one) for one in each.findings] for each in (run, before))
    return bool(found) and not worse(found, known)


def _other(run: sa.Row[Any], landing: sa.Row[Any]) -> Iterator[str]:
    """One that nobody can name any more, as a preset of before: it must have passed here."""
    if run.outcome not in (Outcome.PASSED, Outcome.FLAKY):
        yield f"check {run.name} ended as {run.outcome or run.state}"
    whole = not run.definition.get("paths") and not run.definition.get("changed")
    if whole and run.tree != landing.tree:
        yield f"check {run.name} ran on another tree, {run.tree[:12]}"
