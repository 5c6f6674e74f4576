"""The git repository that a command is started in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import git as gitpython
from git.exc import InvalidGitRepositoryError, NoSuchPathError

from intakebot.model import OperatorError
from intakebot.repo.git import Git, GitFailed

# As the starter page names them: `upstream` is the main repository, `fork` or `origin` one's own.
MAINS = ("upstream", "origin")
FORKS = ("fork", "origin")
BRANCHES = ("main", "master", "develop")


def git_here(folder: Path) -> Git:
    """Its own data, whatever the work tree holds. Raises OperatorError where there is none."""
    try:
        with gitpython.Repo(folder, search_parent_directories=True) as opened:
            return Git(Path(opened.common_dir).resolve())
    except (InvalidGitRepositoryError, NoSuchPathError) as error:
        raise OperatorError(
            f"{folder}: this is in no git repository; go to a clone of one"
        ) from error


def checked_out(folder: Path) -> str:
    """The full id of the commit that this very work tree is at. Raises OperatorError before the
    first one."""
    with gitpython.Repo(folder, search_parent_directories=True) as opened:
        if not opened.head.is_valid():
            raise OperatorError(f"{folder}: has no commit yet")
        return opened.head.commit.hexsha


@dataclass(frozen=True, slots=True)
class Here:
    """What is checked out, and the branch that it is to go to. Addresses are "" where there are
    none; a detached head has no branch. `title` is the first line of the oldest commit that is
    new: later ones rarely say what the whole is for."""

    git: Git
    head: str
    base: str
    branch: str
    target: str
    repo: str
    title: str
    description: str
    author: str
    fork_url: str
    main_url: str


def here(folder: Path, target: str = "") -> Here:
    """`target` is a branch of a remote, upstream/main. Raises OperatorError where there is none."""
    git = git_here(folder)
    with gitpython.Repo(folder, search_parent_directories=True) as opened:
        if not opened.head.is_valid():
            raise OperatorError("there is no commit here yet; nothing can be checked")
        commit = opened.head.commit
        remotes = {remote.name: next(iter(remote.urls), "") for remote in opened.remotes}
        remote, branch, base = _target(opened, target, list(remotes))
        brought = next(opened.iter_commits(f"{base}..{commit.hexsha}", reverse=True), commit)
        title, _, description = str(brought.message).partition("\n")
        main_url = remotes[remote]
        return Here(
            git=git,
            head=commit.hexsha,
            base=base,
            branch="" if opened.head.is_detached else opened.active_branch.name,
            target=branch,
            repo=main_url.rstrip("/").removesuffix(".git").rpartition("/")[2] or folder.name,
            title=title.strip(),
            description=description.strip(),
            author=commit.author.name or "somebody",
            fork_url=next((remotes[name] for name in FORKS if name in remotes), main_url),
            main_url=main_url,
        )


def _target(opened: gitpython.Repo, asked: str, remotes: list[str]) -> tuple[str, str, str]:
    """Remote, branch and commit."""
    usual = [f"{remote}/{branch}" for remote in MAINS for branch in BRANCHES]
    for name in [asked] if asked else usual:
        remote, slash, branch = name.partition("/")
        ref = f"refs/remotes/{name}"
        if slash and remote in remotes and ref in {one.path for one in opened.references}:
            return remote, branch, opened.commit(ref).hexsha
    where = f"{asked!r}" if asked else f"any of {', '.join(usual)}"
    raise OperatorError(
        f"there is no branch {where} to compare with; `git fetch` brings it, `git branch -r` "
        "lists what there is, and --target REMOTE/BRANCH says which"
    )


def tree_named(git: Git, name: str) -> str:
    """The tree of a commit, a branch, a tag or a tree. Raises OperatorError for what is none."""
    try:
        found = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{tree}}")
    except GitFailed as error:
        raise OperatorError(
            f"{name!r} names no commit and no tree here; `git log --oneline` shows some"
        ) from error
    return found.decode().strip().splitlines()[-1]
