"""Which checks a change needs, on which trees, and what is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from intakebot.core.checking import Checked, Task, Tasks, check_all, needed
from intakebot.core.paths import matching
from intakebot.model import ChangedFile, CheckDefinition, CheckResult
from intakebot.repo.cut import cut
from intakebot.repo.git import Git
from intakebot.store import runs


def tasks_of(
    git: Git,
    checks: Sequence[CheckDefinition],
    files: Sequence[ChangedFile],
    tree: str,
    before: str | None,
) -> Tasks:
    """For a change of `files` that gives `tree`, where the target has the tree `before`.

    A check that would get no file at all has no task. One that another machine runs is not run
    on the target: that would be a branch and a build of its own for every failure.
    """
    here = _on(git, needed(checks, files), files, tree)
    wanted = tuple(check for check in checks if check.digest in here)
    ours = [check for check in wanted if not check.is_elsewhere]
    return Tasks(wanted, here, _on(git, ours, files, before) if before else {})


def _on(
    git: Git, checks: Sequence[CheckDefinition], files: Sequence[ChangedFile], tree: str
) -> dict[str, Task]:
    parts = {check.digest: (check, _part(git, check, files, tree)) for check in checks}
    return {digest: Task(check, part) for digest, (check, part) in parts.items() if part}


def _part(git: Git, check: CheckDefinition, files: Sequence[ChangedFile], tree: str) -> str | None:
    """The tree that the check gets of `tree`; None where that would hold no file."""
    if not check.paths and not check.changed:
        return tree
    changed = matching([file.path for file in files], check.when) if check.changed else []
    return cut(git, tree, check.paths, sorted(changed))


def results_of(connection: sa.Connection, tasks: Tasks) -> Checked:
    """What has ended by now, and what is to be asked for next."""
    here = ended(runs.newest(connection, tasks.here.values()))
    return check_all(tasks, here, ended(runs.newest(connection, tasks.before.values())))


def ended(found: Mapping[str, runs.RunRow]) -> dict[str, CheckResult]:
    return {digest: run.result for digest, run in found.items() if run.result is not None}
