"""The processes of one run, as /proc shows them from outside."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
# A process that ends while it is read: the file is gone, or there but refused.
Gone = (FileNotFoundError, ProcessLookupError, PermissionError)


def children(pid: int) -> list[int]:
    """Direct children, of all threads. Needs CONFIG_PROC_CHILDREN, as distributions have it."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            text = Path(f"/proc/{pid}/task/{thread}/children").read_text(encoding="ascii")
            found += map(int, text.split())
    except Gone:
        pass  # it ended; its children now belong to its process namespace's first process
    return found


def descendants(pid: int) -> Iterator[int]:
    for child in children(pid):
        yield child
        yield from descendants(child)


def resident(pid: int) -> int:
    """Bytes of memory in use, shared pages in full; 0 once the process is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE
    except Gone:
        return 0


def proportional(pid: int) -> int:
    """As `resident`, shared pages divided among those who share them. Slower."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except Gone:
        return resident(pid)
    match = re.search(r"^Pss: +(\d+) kB", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else resident(pid)


def exceeds(pid: int, memory: int) -> bool:
    """Whether all descendants of `pid` together use more than `memory` bytes.

    Forked workers share most of their pages, so a sum that is too high is taken again with
    shared pages counted once.
    """
    family = list(descendants(pid))
    if sum(map(resident, family)) <= memory:
        return False
    return sum(map(proportional, family)) > memory
