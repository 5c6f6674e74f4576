"""The git repository that a command is started in."""

from __future__ import annotations

from pathlib import Path

import git as gitpython
from git.exc import InvalidGitRepositoryError, NoSuchPathError

from intakebot.model import OperatorError
from intakebot.repo.git import Git, GitFailed


def git_here(folder: Path) -> Git:
    """Its own data, whatever the work tree holds. Raises OperatorError where there is none."""
    try:
        with gitpython.Repo(folder, search_parent_directories=True) as opened:
            return Git(Path(opened.common_dir).resolve())
    except (InvalidGitRepositoryError, NoSuchPathError) as error:
        raise OperatorError(f"{folder}: this is in no git repository; see --repo") from error


def tree_named(git: Git, name: str) -> str:
    """The tree of a commit, a branch, a tag or a tree. Raises OperatorError for what is none."""
    try:
        found = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{tree}}")
    except GitFailed as error:
        raise OperatorError(
            f"{name!r} names no commit and no tree here; `git log --oneline` shows some"
        ) from error
    return found.decode().strip().splitlines()[-1]
