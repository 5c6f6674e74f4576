"""A branch that is made and deleted again, to show that a credential may push there."""

from __future__ import annotations

from intakebot.model import OperatorError
from intakebot.repo import land
from intakebot.repo.git import Git, GitFailed, branch_ref
from intakebot.repo.mirror import Mirror

_WHO = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (
        ("NAME", land.NAME),
        ("EMAIL", land.EMAIL),
        ("DATE", "1767225600 +0000"),
    )
}


def push_probe(mirror: Mirror, url: str, branch: str) -> None:
    """A commit without files, so that no build starts. Raises OperatorError when it is refused."""
    mirror.tips(url, [branch])  # makes the folder, too
    git = mirror.git
    tree = git.run("mktree").decode().strip()
    made = git.run("commit-tree", tree, feed=b"Show that intakebot may push [skip ci]\n", env=_WHO)
    if land.push(git, url, made.decode().strip(), branch) != "done":
        raise OperatorError(f"the push to {branch} was refused")
    if branch not in mirror.tips(url, [branch]):
        raise OperatorError(f"{branch} was pushed, but it is not there")


def delete_probe(git: Git, url: str, branch: str) -> None:
    try:
        git.run("push", "--porcelain", "--no-verify", "--end-of-options", url,
                f":{branch_ref(branch)}")  # fmt: skip
    except GitFailed as error:
        raise OperatorError(f"{branch} could not be deleted: {error.text}") from error
