"""A branch that is made and deleted again, to show that a credential may push there."""

from __future__ import annotations

from datetime import UTC, datetime

from intakebot.model import OperatorError
from intakebot.repo import combine, land
from intakebot.repo.mirror import Mirror

AT = datetime(2026, 1, 1, tzinfo=UTC)  # the same commit each time


def push_probe(mirror: Mirror, url: str, branch: str) -> None:
    """A commit without files, so that no build starts. Raises OperatorError when it is refused,
    TryLater when nobody can tell."""
    mirror.tips(url, [branch])  # makes the folder, too
    git = mirror.git
    made = combine.empty(git, "Show that intakebot may push [skip ci]\n", AT)
    if land.push(git, url, made, branch) != "done":
        raise OperatorError(f"the push to {branch} was refused")
    if branch not in mirror.tips(url, [branch]):
        raise OperatorError(f"{branch} was pushed, but it is not there")


def delete_probe(mirror: Mirror, url: str, branch: str) -> None:
    """Raises as `push_probe` does."""
    if land.put(mirror.git, url, None, branch) != "done":
        raise OperatorError(f"{branch} could not be deleted: it was refused")
