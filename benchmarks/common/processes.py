"""What a process and everything below it uses: memory, CPU time, and the peak while it works."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def tree(root: int) -> Iterator[int]:
    """The process and all its descendants that are there now."""
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        with suppress(OSError):  # it has ended meanwhile
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())


def rss(root: int) -> int:
    """Bytes of the whole tree, pages that are shared counted for each that has them."""
    return sum(_rss(pid) for pid in tree(root))


def pss(root: int) -> int:
    """Bytes of the whole tree, each shared page divided among those that have it."""
    return sum(_pss(pid) for pid in tree(root))


def cpu_seconds(root: int) -> float:
    """Used so far by the tree, also by descendants that have ended and were waited for."""
    return sum(_cpu(pid) for pid in tree(root))


def _rss(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0


def _pss(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _cpu(pid: int) -> float:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICK  # utime, stime, and the two of ended children
    return 0.0


@dataclass(slots=True)
class Peak:
    """The highest summed RSS of a tree while the block runs, looked at every few milliseconds."""

    root: int
    every: float = 0.005
    bytes: int = 0
    done: Event = field(default_factory=Event)
    watcher: Thread | None = None

    def __enter__(self) -> Peak:
        self.watcher = Thread(target=self._watch, daemon=True)
        self.watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        if self.watcher:
            self.watcher.join()

    def _watch(self) -> None:
        while not self.done.wait(self.every):
            self.bytes = max(self.bytes, rss(self.root))
