"""Trees too large for memory: they lie on the worker's disk for as long as a run, under a quota.

A disk has no limit for an unprivileged user that we could set. So nobody but us writes to it: the
tree is unpacked there and counted on its way, and the check sees it through an overlay, whose
upper layer is the box's own size-limited tmpfs. What it changes or adds it pays for in memory.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from intakebot.checks.box import Tree
from intakebot.checks.limits import MIB, SandboxFailed
from intakebot.checks.readable import make_folder, reachable

BLOCK = 4096  # bytes that a file system gives out at least, and more than a file costs besides
NAMES = (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
SPARE = 1024 * MIB  # what is left to everybody else on that disk
PREFIX, LOCK, TURN = "tree-", ".lock", "turn"
REMOVE_SECONDS = 600


@contextmanager
def folder_for(place: Path, most: int, drop_to: tuple[int, int] | None) -> Iterator[Path]:
    """A new folder in `place` for a tree of at most `most` bytes, gone with all in it at the end.

    What killed processes left there is removed first. Raises SandboxFailed.
    """
    with ExitStack() as held:
        try:
            make_folder(place)
            with (place / TURN).open("a") as turn:
                fcntl.flock(turn, fcntl.LOCK_EX)  # two at once would count on the same room
                _make_sure_of_room(place, most, promised=sweep(place))
                folder = _taken(place, most, held)
            if drop_to is not None:
                os.chown(folder, *drop_to)
            if not reachable(folder, drop_to):
                user = os.getuid() if drop_to is None else drop_to[0]
                raise SandboxFailed(
                    f"{place} cannot be entered by uid {user}, as which checks run; "
                    "let every user enter the folders above it, or name another in TREES_DIR"
                )
        except OSError as error:
            raise SandboxFailed(f"no tree can lie in {place}: {error.strerror or error}") from error
        yield folder


def _make_sure_of_room(place: Path, most: int, promised: int) -> None:
    free, needed = shutil.disk_usage(place).free, most + promised + SPARE
    if free < needed:
        others = f", beside {promised // MIB} MiB of others" if promised else ""
        raise SandboxFailed(
            f"{place} has {free // MIB} MiB free, and a tree of up to {most // MIB} MiB{others} "
            f"needs {needed // MIB}; free some, or name another folder in TREES_DIR"
        )


def _taken(place: Path, most: int, held: ExitStack) -> Path:
    """The lock beside the folder says who has use for it, and ends with the process; in it stands
    how much was promised."""
    folder = place / f"{PREFIX}{secrets.token_hex(8)}"
    lock = held.enter_context(_lock_of(folder).open("x"))
    fcntl.flock(lock, fcntl.LOCK_EX)
    lock.write(str(most))
    lock.flush()
    folder.mkdir(mode=0o700)
    held.callback(_remove, folder)
    return folder


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + LOCK)


def sweep(place: Path) -> int:
    """Remove the folders whose owners are gone; the bytes promised to those in use."""
    promised = 0
    for path in place.glob(f"{PREFIX}*{LOCK}"):
        with suppress(FileNotFoundError), path.open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                promised += int(lock.read() or 0)
            else:
                _remove(path.with_name(path.name.removesuffix(LOCK)))
    return promised


def _remove(folder: Path) -> None:
    """By rm: a tree may be nested deeper than our own stack. What stays is swept later."""
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(
            ["rm", "-rf", "--one-file-system", "--", folder],
            check=False,
            timeout=REMOVE_SECONDS,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    if not folder.exists():
        _lock_of(folder).unlink(missing_ok=True)


def counted(tree: Tree, most: int) -> Tree:
    """The same tree; SandboxFailed once its files would take more than `most` bytes of a disk."""

    def write(stream: IO[bytes]) -> None:
        tree(_Counting(stream, most))  # type: ignore[arg-type]

    return write


class _Counting:
    """Follows the headers of the tar stream that is written through it."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream = stream
        self._most = most
        self._taken = 0
        self._folders: set[bytes] = set()
        self._skip = 0  # bytes of contents that come before what is wanted
        self._wanted = tarfile.BLOCKSIZE  # bytes of a header, or of a name too long for one
        self._read = bytearray()
        self._in_name = False

    def write(self, data: bytes) -> int:
        self._refuse_too_much()  # also what comes after the first refusal, from a buffer that ends
        view = memoryview(data).cast("B")
        at = 0
        while at < len(view):
            passed = min(self._skip, len(view) - at)
            self._skip -= passed
            part = view[at + passed : at + passed + self._wanted]
            self._read += part
            self._wanted -= len(part)
            at += passed + len(part)
            if not self._wanted:
                self._take(bytes(self._read))
        self._stream.write(data)
        return len(view)

    def flush(self) -> None:
        self._stream.flush()

    def _take(self, read: bytes) -> None:
        self._read.clear()
        self._wanted = tarfile.BLOCKSIZE
        if self._in_name:
            self._in_name = False
            self._count(read.rstrip(b"\0\n"), 0)
        elif any(read):  # an archive ends in blocks of zeros
            entry = tarfile.TarInfo.frombuf(read, "utf-8", "surrogateescape")
            padded = _rounded(entry.size, tarfile.BLOCKSIZE)
            if entry.type in NAMES and padded:
                self._in_name, self._wanted = True, padded
            else:
                self._skip = padded
                self._count(entry.name.encode("utf-8", "surrogateescape"), entry.size)
        self._refuse_too_much()

    def _refuse_too_much(self) -> None:
        if self._taken > self._most:
            raise SandboxFailed(
                f"the tree takes more than the {self._most // MIB} MiB of disk that the check has "
                "for it; raise `disk`, or name the `paths` that it needs"
            )

    def _count(self, name: bytes, size: int) -> None:
        """A file, and the folders above it that there were none of. Each costs a block at least."""
        self._taken += BLOCK + _rounded(size, BLOCK)
        folder = name.rpartition(b"/")[0]
        while folder and folder not in self._folders:
            self._folders.add(folder)
            self._taken += BLOCK
            folder = folder.rpartition(b"/")[0]


def _rounded(size: int, unit: int) -> int:
    return -(-size // unit) * unit
