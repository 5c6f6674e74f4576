"""Merges a pull request in git: by merge commit, squash or fast-forward, never over a moved ref."""

from __future__ import annotations

from intakebot.world.bitbucket_cloud import commits
from intakebot.world.bitbucket_cloud.disk import Disk, GitFailed
from intakebot.world.bitbucket_cloud.pull_state import Pull
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.state import Repository, User

MOVED = "Unable to merge because one of the refs involved changed while attempting to merge"


def build(disk: Disk, repo: Repository, pull: Pull, strategy: str, message: str, by: User) -> str:
    """The commit that the destination would get. Raises Refusal on a conflict."""
    path, tip, head = disk.path(repo.uuid), _tip(repo, pull), pull.source_commit
    disk.run(path, "fetch", "--quiet", "--no-write-fetch-head", str(disk.pool), head)
    ahead = commits.contains(disk, head, tip)
    if strategy == "fast_forward":
        if not ahead:
            raise Refusal(400, "The destination has moved on: a fast-forward is not possible.")
        return head
    if strategy == "squash_fast_forward" and not ahead:
        raise Refusal(400, "The destination has moved on: a fast-forward is not possible.")
    out = disk.run(path, "merge-tree", "--write-tree", "--name-only", tip, head, ok=(0, 1))
    tree, _, conflicts = out.partition("\n")
    if conflicts.strip():
        raise Refusal(400, "You can't merge until you resolve all merge conflicts.")
    parents = ["-p", tip] if "squash" in strategy else ["-p", tip, "-p", head]
    author = ["-c", f"user.name={by.display_name}", "-c", f"user.email={by.email}"]
    made = disk.run(path, *author, "commit-tree", tree, *parents, "-m", message)
    return made.strip()


def _tip(repo: Repository, pull: Pull) -> str:
    found = repo.refs.get(f"refs/heads/{pull.destination_branch}")
    if found is None:
        raise Refusal(400, "The destination branch is gone.")
    return found


def move(disk: Disk, repo: Repository, pull: Pull, commit: str, old: str) -> None:
    """Raises Refusal 409 when the branch is not at `old` any more."""
    branch = f"refs/heads/{pull.destination_branch}"
    try:
        disk.run(disk.path(repo.uuid), "update-ref", branch, commit, old)
    except GitFailed as error:
        raise Refusal(409, MOVED) from error
