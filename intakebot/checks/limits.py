"""What one run may use, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from intakebot.model import OperatorError

MIB = 1 << 20
REPORT_BYTES = 8 * MIB
ROOMY_DISK, ROOMY_INODES = 2048 * MIB, 500_000  # for packages
Stopped = Literal["", "time", "memory", "output", "cancelled"]


class NoSandbox(OperatorError):
    """Untrusted code can't be run safely here; says what is missing and the cure."""


class SandboxFailed(OperatorError):
    """This run did not come to an end of its own: not the check's doing, or not only."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds.

    `wall` counts from the moment the command starts; `cpu` is for each process, `memory` for
    all together, without the files they write: those count against `disk`, one budget for
    /work, /tmp, /home and /dev/shm, in memory. The tree counts against it too, unless it lies on
    the worker's own disk, where it may take `tree` bytes. At most `output` is kept; eight times
    as much is a flood and ends the run.
    """

    wall: float
    memory: int
    cpu: int
    processes: int = 128
    disk: int = 512 * MIB
    tree: int = 0
    output: int = 1 * MIB
    file: int = 256 * MIB
    open_files: int = 512
    inodes: int = 200_000


@dataclass(frozen=True, slots=True)
class Ran:
    """`status` is the exit status, 128 + N for signal N, or None when the run was stopped.

    `output` is standard output and error in the order written; `reports` has the files that
    were asked for and exist ("-" is standard output alone, then missing in `output`). `kept` says
    that everything that should be kept was there.
    """

    status: int | None
    stopped: Stopped
    output: bytes
    reports: Mapping[str, bytes]
    seconds: float
    kept: bool = False


class HeadAndTail:
    """The first and the last bytes of a stream, `keep` in all."""

    def __init__(self, keep: int) -> None:
        self.total = 0
        self._half = keep // 2
        self._head = bytearray()
        self._tail = bytearray()

    def add(self, data: bytes) -> None:
        self.total += len(data)
        room = self._half - len(self._head)
        self._head += data[:room]
        self._tail += data[max(room, 0) :]
        del self._tail[: -self._half]

    def value(self) -> bytes:
        missing = self.total - len(self._head) - len(self._tail)
        cut = b"\n[... %d bytes left out ...]\n" % missing if missing else b""
        return bytes(self._head) + cut + bytes(self._tail)
