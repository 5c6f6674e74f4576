"""A memory and process limit by the kernel, where this process may make one.

An addition, not a condition: the sandbox holds its limits without it, a little later.
Version 1 needs root; version 2 needs a delegated subtree (systemd: `Delegate=yes`).
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
NAME = re.compile(r"intakebot-(\d+)-[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Cgroup:
    """One run's folders: one for each controller in version 1, a single one in version 2."""

    folders: tuple[Path, ...]

    def adopt(self, pids: Iterable[int]) -> None:
        for pid in pids:
            for folder in self.folders:
                with suppress(ProcessLookupError):  # it has ended since it was listed
                    (folder / "cgroup.procs").write_text(f"{pid}\n")

    def ran_out_of_memory(self) -> bool:
        for name in ("memory.events", "memory.oom_control"):
            for folder in self.folders:
                with suppress(FileNotFoundError):
                    counts = (folder / name).read_text(encoding="ascii")
                    if re.search(r"^oom_kill [1-9]", counts, re.MULTILINE):
                        return True
        return False

    def remove(self) -> None:
        """Only once every process in it has ended."""
        for folder in self.folders:
            with suppress(FileNotFoundError):
                folder.rmdir()


def open_cgroup(memory: int, processes: int) -> Cgroup | None:
    """None where there is no writable place. `memory` includes what is written to tmpfs."""
    name = f"intakebot-{os.getpid()}-{secrets.token_hex(4)}"
    made: list[Path] = []
    try:
        for parent, limits in places(memory, processes):
            sweep(parent)
            folder = parent / name
            folder.mkdir()
            made.append(folder)
            for file, value in limits.items():
                (folder / file).write_text(f"{value}\n")
    except OSError:  # read-only, not delegated, or a controller that is not there
        Cgroup(tuple(made)).remove()
        return None
    return Cgroup(tuple(made)) if made else None


def places(memory: int, processes: int) -> list[tuple[Path, dict[str, int]]]:
    first, pids = MOUNT / "memory", MOUNT / "pids"
    if first.is_dir() and pids.is_dir():
        return [
            (first, {"memory.limit_in_bytes": memory}),
            (pids, {"pids.max": processes}),
        ]
    for parent in delegated():
        enabled = (parent / "cgroup.subtree_control").read_text(encoding="ascii").split()
        if {"memory", "pids"} <= set(enabled):
            return [(parent, {"memory.max": memory, "memory.swap.max": 0, "pids.max": processes})]
    return []


def delegated() -> list[Path]:
    """Version 2: our own folder and the one above it, where `DelegateSubgroup=` puts runs."""
    own = re.search(r"^0::/(.*)$", Path("/proc/self/cgroup").read_text(), re.MULTILINE)
    if own is None:
        return []
    folder = MOUNT / own[1]
    near = [folder, folder.parent] if own[1] else [folder]
    return [each for each in near if (each / "cgroup.subtree_control").is_file()]


def sweep(parent: Path) -> None:
    """Remove what a killed process left behind."""
    for folder in parent.glob("intakebot-*"):
        match = NAME.fullmatch(folder.name)
        if match and not Path(f"/proc/{match[1]}").exists():
            with suppress(OSError):  # its processes are still ending; the next sweep has it
                folder.rmdir()
