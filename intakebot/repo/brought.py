"""What the commits of a pull request bring, each for itself: also what a later one takes out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from intakebot.repo.change import raw_patch
from intakebot.repo.git import EMPTY_TREE, Git, full_id

MOST_COMMITS = 1000  # whose patches are read, the newest first
NO_FILE = ("000000", "160000")  # the modes of nothing, and of a submodule


def new_blobs(git: Git, base: str, head: str) -> dict[str, str]:
    """Every blob that a commit of `head` and not of `base` has put into a file, with a path that
    it had; but not what was put back as `base` had it.

    Asked of each commit's changes: objects that are in `head` and not in `base` are told by git
    only after reading all folders of `base`.
    """
    out = git.run(
        "log",
        "--topo-order",
        "--reverse",
        "--format=",
        "--raw",
        "-z",
        "-c",  # of a merge, what is in none of its parents
        "--root",
        "--no-abbrev",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        "--end-of-options",
        full_id(head),
        f"^{full_id(base)}",
    )
    fields = iter(out.decode("utf-8", "surrogateescape").split("\0"))
    found: dict[str, str] = {}
    known: set[str] = set()  # what was there before any of these commits changed it
    for meta in fields:
        if meta.startswith(":"):
            *before, after = _blobs(meta)
            path = next(fields)
            known.update(blob for blob in before if blob and blob not in found)
            if after and after not in known:
                found.setdefault(after, path)
    return found


def _blobs(meta: str) -> list[str]:
    """Of each parent, and of what came of it; "" where that is no file.

    Of ":100644 100644 <id> <id> M", and with one more colon, mode and id for each further parent.
    """
    fields = meta.lstrip(":").split(" ")
    sides = len(meta) - len(meta.lstrip(":")) + 1
    modes, ids = fields[:sides], fields[sides : 2 * sides]
    return ["" if mode in NO_FILE else id for mode, id in zip(modes, ids, strict=True)]


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
