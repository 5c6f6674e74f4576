"""The folders that a change touches, and the names in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from intakebot.repo.git import Git, full_id
from intakebot.repo.objects import read_blobs

FOLDER = "040000"
ID_BYTES = 20
MOST_READ = 64 << 20  # bytes of one folder; more than a million names


@dataclass(frozen=True, slots=True)
class Folder:
    """`tree` is what is in it after the change."""

    tree: str
    is_new: bool


def touched_folders(git: Git, before: str, after: str) -> dict[str, Folder]:
    """Path -> each folder below which something differs, as it is after the change."""
    out = git.run(
        "diff-tree",
        "-r",
        "-t",
        "-z",
        "--raw",
        "--no-abbrev",
        "--no-renames",
        full_id(before),
        full_id(after),
    )
    fields = out.decode("utf-8", "surrogateescape").split("\0")
    found = {}
    for meta, path in zip(fields[::2], fields[1::2], strict=False):
        old_mode, new_mode, _, tree, _ = meta.removeprefix(":").split(" ")
        if new_mode == FOLDER:
            found[path] = Folder(tree, is_new=old_mode != FOLDER)
    return found


def names_in(git: Git, trees: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Each tree once, with the names of what is in it; one at a time in memory."""
    for tree, data in read_blobs(git, set(trees), MOST_READ):
        yield tree, list(_names(data))


def _names(tree: bytes) -> Iterator[str]:
    """Of a tree object: for each entry its mode, a blank, its name, a NUL and the id in bytes."""
    at = 0
    while (end := tree.find(b"\0", at)) != -1:
        yield tree[tree.index(b" ", at, end) + 1 : end].decode("utf-8", "surrogateescape")
        at = end + 1 + ID_BYTES
