"""Puts a commit on a protected branch: a plain fast-forward, never forced. And, by force, on one
that is there to try it alone."""

from __future__ import annotations

from typing import Literal

from intakebot.model import TryLater
from intakebot.repo.git import NO_ACCESS, Git, GitFailed, Limits, branch_ref, full_id


class Forbidden(TryLater):
    """The server answered that whoever pushes here may not; somebody may change that."""


def push(git: Git, url: str, commit: str, branch: str) -> Literal["done", "moved", "refused"]:
    """Fast-forward `branch` to exactly `commit`.

    "moved" when the branch is somewhere else by now, "refused" when the server forbids it.
    """
    slow = Git(git.folder, git.credential, Limits(seconds=300))
    try:
        slow.run(
            "push",
            "--porcelain",
            "--no-verify",
            "--no-follow-tags",
            "--end-of-options",
            url,
            f"{full_id(commit)}:{branch_ref(branch)}",
        )
    except GitFailed as error:
        # The last is git's word for losing a race for the very same ref.
        if any(
            word in error.text for word in ("non-fast-forward", "fetch first", "cannot lock ref")
        ):
            return "moved"
        if "[remote rejected]" in error.text or "hook declined" in error.text:
            return "refused"
        raise _later(branch, error) from error
    return "done"


# Two that push one branch at once: what git says to the one that comes second.
RACED = ("cannot lock ref", "failed to update ref", "reference already exists")


def put(git: Git, url: str, commit: str | None, branch: str) -> Literal["done", "refused"]:
    """Have `branch` at `commit` whatever was there; with None, have no such branch."""
    slow = Git(git.folder, git.credential, Limits(seconds=300))
    update = f"+{full_id(commit) if commit else ''}:{branch_ref(branch)}"
    options = ("--porcelain", "--no-verify", "--no-follow-tags")
    try:
        slow.run("push", *options, "--end-of-options", url, update)
    except GitFailed as error:
        if commit is None and "remote ref does not exist" in error.text:
            return "done"
        if any(word in error.text for word in RACED):
            raise TryLater(f"somebody else moves {branch} just now", after=2) from error
        if "[remote rejected]" in error.text or "hook declined" in error.text:
            return "refused"
        raise _later(branch, error) from error
    return "done"


def _later(branch: str, error: GitFailed) -> TryLater:
    kind = Forbidden if NO_ACCESS.search(error.text) else TryLater
    return kind(f"pushing to {branch}: {error.text}", after=10)
