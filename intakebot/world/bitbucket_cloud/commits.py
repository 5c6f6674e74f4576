"""Reads commits and diffs out of the repositories."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from intakebot.world.bitbucket_cloud.disk import Disk

SHORT = 12  # characters of a hash in pull requests
_FORMAT = "%H%x00%P%x00%aI%x00%an <%ae>%x00%B%x00%x01"
_HASH = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True, slots=True)
class Commit:
    oid: str
    parents: tuple[str, ...]
    date: str
    author: str
    message: str


def read(disk: Disk, path: Path, *revisions: str, most: int = 1000) -> list[Commit]:
    out = disk.run(path, "log", f"--max-count={most}", f"--format={_FORMAT}", *revisions, "--")
    return [_parsed(piece) for piece in out.split("\x00\x01") if piece.strip()]


def _parsed(piece: str) -> Commit:
    oid, parents, date, author, message = piece.lstrip("\n").split("\x00")
    return Commit(oid, tuple(parents.split()), date, author, message)


def resolve(
    disk: Disk, path: Path, name: str, branches: dict[str, str] | None = None
) -> str | None:
    """The full id of a commit by (short) hash or branch name."""
    if branches and f"refs/heads/{name}" in branches:
        return branches[f"refs/heads/{name}"]
    if not _HASH.fullmatch(name):
        return None
    out = disk.run(path, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", ok=(0, 1, 128))
    return out.strip() or None


def holds(disk: Disk, path: Path, oid: str) -> bool:
    """Whether a branch or tag of this repository reaches the commit."""
    out = disk.run(path, "for-each-ref", "--count=1", f"--contains={oid}", ok=(0, 1, 128, 129))
    return bool(out.strip())


def contains(disk: Disk, tip: str, oid: str) -> bool:
    done = disk.run(disk.pool, "merge-base", tip, oid, ok=(0, 1))
    return done.strip() == oid


def merge_base(disk: Disk, one: str, other: str) -> str | None:
    return disk.run(disk.pool, "merge-base", one, other, ok=(0, 1)).strip() or None


def diff(disk: Disk, old: str, new: str, *options: str) -> str:
    return disk.run(disk.pool, "diff", "--no-color", "--no-ext-diff", *options, old, new)


def line_of(disk: Disk, oid: str, path: str, number: int) -> str | None:
    """The text of a line of a file, None when there is none."""
    lines: Sequence[str] = disk.run(
        disk.pool, "show", f"{oid}:{path}", ok=(0, 128)
    ).splitlines()  # fmt: skip
    return lines[number - 1] if 0 < number <= len(lines) else None
