"""Reads objects: single blobs through GitPython, whole trees as a tar stream."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

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


def has_tree(repository: Git, tree: str) -> bool:
    """False also where there is no repository."""
    try:
        status, _ = repository.status("cat-file", "-e", f"{full_id(tree)}^{{tree}}", ok=(0, 1, 128))
    except TryLater:
        return False
    return status == 0


def write_tar(repository: Git, tree: str, out: IO[bytes]) -> None:
    """Stream a whole tree as a tar archive, blob bytes untouched, submodules left out.

    Not `git archive`: that obeys export-ignore and export-subst, which contributors write.
    """
    listing = repository.run("ls-tree", "-r", "-z", "--full-tree", full_id(tree))
    entries = [_entry(record) for record in listing.split(b"\0") if record]
    files = [entry for entry in entries if entry.mode != SUBMODULE]
    contents = _contents(repository, [entry.blob for entry in files])
    with closing(contents), io.BufferedWriter(_Raw(out), 1 << 18) as buffered:
        for entry, content in zip(files, contents, strict=True):
            _add(buffered, entry, content)
        buffered.write(bytes(2 * BLOCK))


def read_blobs(
    repository: Git, blobs: Iterable[str], limit: int = 8 << 20
) -> Iterator[tuple[str, bytes]]:
    """Each blob with its bytes, or with the first `limit` of them. One at a time in memory.

    Raises TryLater for one that is not here.
    """
    wanted = list(blobs)
    with closing(_contents(repository, wanted)) as contents:
        for blob, content in zip(wanted, contents, strict=True):
            yield blob, content.read(limit)


@dataclass(frozen=True, slots=True)
class _Entry:
    mode: str
    blob: str
    path: bytes


def _entry(record: bytes) -> _Entry:
    meta, path = record.split(b"\t", 1)
    mode, _, blob = meta.decode().split(" ")
    return _Entry(mode, blob, path)


def _contents(repository: Git, blobs: Sequence[str]) -> Generator[_Exactly, None, None]:
    """A stream for each blob; what is left of one when the next is asked for is passed over.

    They are asked for all at once, in a file: a question at a time costs ten times as much.
    """
    if not blobs:
        return
    with tempfile.TemporaryFile() as asked:
        asked.writelines(full_id(blob).encode() + b"\n" for blob in blobs)
        asked.seek(0)
        process = repository.start("cat-file", "--batch", "--buffer", stdin=asked.fileno())
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        try:
            for blob in blobs:
                answer = process.stdout.readline().split()
                if len(answer) != 3:
                    raise TryLater(f"the mirror does not have blob {blob[:12]}")
                content = _Exactly(process.stdout, int(answer[2]))
                yield content
                while content.read(1 << 16):
                    pass
                process.stdout.read(1)  # the newline after each object
            ended(process)
        finally:
            kill(process)


# --- tar ------------------------------------------------------------------------------

BLOCK = 512
LONGEST_NAME = 100  # bytes that a plain header has for it
LARGEST = 8 << 30  # bytes of a file that a plain header can say
CHECKSUM_AT = 148


def _add(out: IO[bytes], entry: _Entry, content: _Exactly) -> None:
    if entry.mode == SYMLINK:
        info = tarfile.TarInfo(entry.path.decode("utf-8", "surrogateescape"))
        info.type = tarfile.SYMTYPE
        info.linkname = content.read().decode("utf-8", "surrogateescape")
        out.write(info.tobuf(tarfile.PAX_FORMAT))
        return
    size = content.left
    out.write(_header(entry, size))
    while chunk := content.read(1 << 20):
        out.write(chunk)
    out.write(bytes(-size % BLOCK))


def _header(entry: _Entry, size: int) -> bytes:
    """POSIX ustar (IEEE 1003.1, pax, "ustar Interchange Format"), with pax records where needed.

    The plain one is put together here: tarfile takes ten times as long for it.
    """
    mode = 0o755 if entry.mode == "100755" else 0o644
    if len(entry.path) > LONGEST_NAME or not entry.path.isascii() or size >= LARGEST:
        info = tarfile.TarInfo(entry.path.decode("utf-8", "surrogateescape"))
        info.mode, info.size = mode, size
        return info.tobuf(tarfile.PAX_FORMAT)
    nobody, epoch, blank = b"0000000\0", b"00000000000\0", b"        "
    head = b"%b%07o\0%b%b%011o\0%b%b0%b" % (
        *(entry.path.ljust(LONGEST_NAME, b"\0"), mode, nobody, nobody, size, epoch, blank),
        bytes(LONGEST_NAME),
    )
    head = (head + b"ustar\x0000").ljust(BLOCK, b"\0")
    checksum = b"%06o\0 " % sum(head.translate(None, b"\0"))
    return head[:CHECKSUM_AT] + checksum + head[CHECKSUM_AT + len(checksum) :]


class _Exactly:
    """The next `left` bytes of a stream."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self.stream = stream
        self.left = size

    def read(self, size: int = -1) -> bytes:
        wanted = self.left if size < 0 else min(size, self.left)
        data = self.stream.read(wanted) if wanted else b""
        self.left -= len(data)
        return data


class _Raw(io.RawIOBase):
    """A stream that is written to and left open."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.stream.write(data)
        return len(data)
