"""Reads objects: single blobs through GitPython, whole trees as a tar stream."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO

import git as gitpython
from gitdb.exc import BadName, BadObject

from intakebot.model import TryLater
from intakebot.repo.git import PROFILE, Git, ended, environment, full_id, kill

SYMLINK, SUBMODULE = "120000", "160000"
MOST_REMEMBERED = 64  # files


def read_file(repository: Git, commit: str, path: str, limit: int = 1 << 20) -> bytes | None:
    """A file of a commit as its blob has it, or None when there is none of that name.

    Raises ValueError for one over `limit` bytes, TryLater where the commit is not here.
    """
    return _read(repository.folder, full_id(commit), path, limit)


@lru_cache(MOST_REMEMBERED)  # each look asks for the target's configuration, and a commit stays
def _read(folder: Path, commit: str, path: str, limit: int) -> bytes | None:
    with gitpython.Repo(folder) as opened:
        # GitPython reads objects through a git process of its own, which gets our profile too.
        profile = environment(folder, PROFILE)
        opened.git.update_environment(GIT_DIR=str(folder), **profile)
        try:
            tree = opened.commit(commit).tree
        except (BadName, BadObject, ValueError) as error:
            raise TryLater(f"the mirror does not have commit {commit[:12]}") from error
        try:
            item = tree / path
        except KeyError:
            return None
        if item.type != "blob" or item.mode == 0o120000:
            return None
        if item.size > limit:
            raise ValueError(f"{path} has {item.size} bytes; {limit} at most are read")
        return bytes(item.data_stream.read())


def write_tar(repository: Git, tree: str, out: IO[bytes]) -> None:
    """Stream a whole tree as a tar archive, blob bytes untouched, submodules left out.

    Not `git archive`: that obeys export-ignore and export-subst, which contributors write.
    """
    listing = repository.run("ls-tree", "-r", "-z", "--full-tree", full_id(tree))
    process = repository.start("cat-file", "--batch", stdin=-1)
    assert process.stdin is not None and process.stdout is not None  # noqa: S101 - pipes
    try:
        with tarfile.open(
            fileobj=out, mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 16
        ) as tar:
            for record in listing.split(b"\0"):
                if record:
                    _add(tar, record, process.stdin, process.stdout)
        process.stdin.close()
        ended(process)
    finally:
        kill(process)


def _add(tar: tarfile.TarFile, record: bytes, ask: IO[bytes], answer: IO[bytes]) -> None:
    meta, path = record.split(b"\t", 1)
    mode, _, blob = meta.decode().split(" ")
    if mode == SUBMODULE:
        return
    ask.write(blob.encode() + b"\n")
    ask.flush()
    size = int(answer.readline().split()[2])
    info = tarfile.TarInfo(path.decode("utf-8", "surrogateescape"))
    info.mode = 0o755 if mode == "100755" else 0o644
    if mode == SYMLINK:
        info.type = tarfile.SYMTYPE
        info.linkname = answer.read(size).decode("utf-8", "surrogateescape")
        tar.addfile(info)
    else:
        info.size = size
        tar.addfile(info, _Exactly(answer, size))
    answer.read(1)  # the newline after each object


def read_blobs(
    repository: Git, blobs: Iterable[str], limit: int = 8 << 20
) -> Iterator[tuple[str, bytes]]:
    """Each blob with its bytes, or with the first `limit` of them. One at a time in memory.

    Raises TryLater for one that is not here.
    """
    wanted = [full_id(blob) for blob in blobs]
    if not wanted:
        return
    process = repository.start("cat-file", "--batch", stdin=-1)
    assert process.stdin is not None and process.stdout is not None  # noqa: S101 - pipes
    try:
        for blob in wanted:
            process.stdin.write(blob.encode() + b"\n")
            process.stdin.flush()
            answer = process.stdout.readline().split()
            if len(answer) != 3:
                raise TryLater(f"the mirror does not have blob {blob[:12]}")
            rest = _Exactly(process.stdout, int(answer[2]))
            yield blob, rest.read(limit)
            while rest.read(1 << 16):
                pass
            process.stdout.read(1)  # the newline after each object
        process.stdin.close()
        ended(process)
    finally:
        kill(process)


class _Exactly(io.RawIOBase):
    """The next `size` bytes of a stream."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self.stream = stream
        self.left = size

    def read(self, size: int = -1) -> bytes:
        wanted = self.left if size < 0 else min(size, self.left)
        data = self.stream.read(wanted)
        self.left -= len(data)
        return data
