"""A branch that is made and deleted again, to show that a credential may push there."""

from __future__ import annotations

from datetime import UTC, datetime

from intakebot.model import OperatorError
from intakebot.repo import combine, land
from intakebot.repo.git import Git, GitFailed, branch_ref
from intakebot.repo.mirror import Mirror

AT = datetime(2026, 1, 1, tzinfo=UTC)  # the same commit each time


def push_probe(mirror: Mirror, url: str, branch: str) -> None:
    """A commit without files, so that no build starts. Raises OperatorError when it is refused."""
    mirror.tips(url, [branch])  # makes the folder, too
    git = mirror.git
    made = combine.empty(git, "Show that intakebot may push [skip ci]\n", AT)
    if land.push(git, url, made, branch) != "done":
        raise OperatorError(f"the push to {branch} was refused")
    if branch not in mirror.tips(url, [branch]):
        raise OperatorError(f"{branch} was pushed, but it is not there")


def delete_probe(git: Git, url: str, branch: str) -> None:
    try:
        git.run("push", "--porcelain", "--no-verify", "--end-of-options", url,
                f":{branch_ref(branch)}")  # fmt: skip
    except GitFailed as error:
        raise OperatorError(f"{branch} could not be deleted: {error.text}") from error
