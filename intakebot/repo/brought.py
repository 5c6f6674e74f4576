"""What the commits of a pull request bring, each for itself: also what a later one takes out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from intakebot.repo.change import raw_patch
from intakebot.repo.git import EMPTY_TREE, Git, full_id

MOST_COMMITS = 1000  # whose patches are read, the newest first


def new_blobs(git: Git, base: str, head: str) -> dict[str, str]:
    """Every blob that is in a commit of `head` and not in `base`, with a path that it had."""
    out = git.run(
        "rev-list",
        "--objects",
        "--filter=object:type=blob",
        "--filter-provided-objects",
        "--end-of-options",
        full_id(head),
        f"^{full_id(base)}",
    )
    lines = (line.split(" ", 1) for line in out.decode("utf-8", "surrogateescape").splitlines())
    return {blob: path for blob, path in (line for line in lines if len(line) == 2)}


def commit_patches(
    git: Git, base: str, head: str, paths: Sequence[str]
) -> Iterator[tuple[str, list[bytes]]]:
    """(commit, what it changed in these files against each of its parents), the oldest first.

    What is new with a merge itself is in all of its patches. There is no context in them.
    """
    listed = git.run(
        "rev-list",
        "--parents",
        "--topo-order",
        "--reverse",
        f"--max-count={MOST_COMMITS}",
        "--end-of-options",
        full_id(head),
        f"^{full_id(base)}",
    )
    for line in listed.decode().splitlines():
        commit, *parents = line.split()
        yield (
            commit,
            [
                raw_patch(git, parent, commit, paths, context=0)
                for parent in parents or [EMPTY_TREE]
            ],
        )
