"""A tree with only some of the files of another, as an object: checks of few files get no more.

That it is a tree of its own is what lets a result be kept by it: whatever changes elsewhere in the
repository, the same files give the same tree, and nothing has to run again.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from intakebot.core.paths import matching
from intakebot.core.remembered import Remembered
from intakebot.repo.git import Git, full_id

KNOWN: Remembered[str | None] = Remembered(256)  # each look asks for the same cuts
AT_ONCE = 400  # paths in one call of git, whose arguments may be 2 MB


def cut(git: Git, tree: str, patterns: Sequence[str], paths: Sequence[str]) -> str | None:
    """The tree of what in `tree` matches `patterns` or is one of `paths`; None when nothing is."""
    chosen = hashlib.sha256(
        repr((tuple(patterns), tuple(paths))).encode("utf-8", "surrogateescape")
    )
    key = (git.folder, _made(git.folder), full_id(tree), chosen.digest())
    return KNOWN.get(key, lambda: _cut(git, tree, patterns, paths))


def _made(folder: Path) -> int:
    """Tells a repository from another that was made in its place: mirrors may be thrown away."""
    try:
        return (folder / "HEAD").stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _cut(git: Git, tree: str, patterns: Sequence[str], paths: Sequence[str]) -> str | None:
    named = {path.encode("utf-8", "surrogateescape") for path in paths}
    chosen: dict[bytes, bytes] = {}
    if patterns:
        entries = _entries(git, tree, [])
        texts = {path.decode("utf-8", "surrogateescape"): path for path in entries}
        chosen |= {texts[one]: entries[texts[one]] for one in matching(texts, patterns)}
        chosen |= {path: entry for path, entry in entries.items() if path in named}
    else:
        for first in range(0, len(paths), AT_ONCE):
            entries = _entries(git, tree, paths[first : first + AT_ONCE])
            chosen |= {path: entry for path, entry in entries.items() if path in named}
    return _written(git, chosen) if chosen else None


def _entries(git: Git, tree: str, paths: Sequence[str]) -> dict[bytes, bytes]:
    """Path -> its line of the listing. Paths that are not there are passed over."""
    out = git.run("ls-tree", "-r", "-z", "--full-tree", tree, "--", *paths)
    return {line.split(b"\t", 1)[1]: line for line in out.split(b"\0") if line}


def _written(git: Git, chosen: dict[bytes, bytes]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        feed = b"".join(line + b"\0" for line in chosen.values())
        git.run("update-index", "-z", "--index-info", feed=feed, env=index)
        return git.run("write-tree", "--missing-ok", env=index).decode().strip()
