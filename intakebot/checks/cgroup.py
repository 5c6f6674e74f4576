"""A memory and process limit by the kernel, where this process may make one.

An addition, not a condition: the sandbox holds its limits without it, a little later.
Version 1 needs root. Version 2 needs a part of the tree that is ours: in a systemd unit
`Delegate=yes`, in a container a writable /sys/fs/cgroup.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
NAME = re.compile(r"intakebot-(\d+)-[0-9a-f]+")
OURS = "intakebot"  # where our own processes go in version 2
CONTROLLERS = ("memory", "pids")
MOVES = 10  # of our own processes, some of which may just be starting others


@dataclass(frozen=True, slots=True)
class Cgroup:
    """One run's folders: one for each controller in version 1, a single one in version 2."""

    folders: tuple[Path, ...]

    def ran_out_of_memory(self) -> bool:
        for name in ("memory.events", "memory.oom_control"):
            for folder in self.folders:
                with suppress(FileNotFoundError):
                    counts = (folder / name).read_text(encoding="ascii")
                    if re.search(r"^oom_kill [1-9]", counts, re.MULTILINE):
                        return True
        return False

    def remove(self) -> None:
        """Once every process in it has ended; before that a later run's sweep has to do it."""
        for folder in self.folders:
            with suppress(OSError):
                folder.rmdir()


def open_cgroup(pids: Iterable[int], *, memory: int, processes: int) -> Cgroup | None:
    """One with `pids` in it, or None where there is no place for one.

    `memory` in bytes includes what is written to tmpfs.
    """
    name = f"intakebot-{os.getpid()}-{secrets.token_hex(4)}"
    made: list[Path] = []
    try:
        for parent, limits in _places(memory, processes):
            sweep(parent)
            folder = parent / name
            folder.mkdir()
            made.append(folder)
            for file, value in limits.items():
                (folder / file).write_text(f"{value}\n")
        for pid in pids:
            for folder in made:
                _move(pid, folder)
    except OSError:  # read-only, not ours after all, or a controller that is not there
        Cgroup(tuple(made)).remove()
        return None
    return Cgroup(tuple(made)) if made else None


def _places(memory: int, processes: int) -> list[tuple[Path, dict[str, int]]]:
    first, pids = MOUNT / "memory", MOUNT / "pids"
    if first.is_dir() and pids.is_dir():
        return [
            (first, {"memory.limit_in_bytes": memory}),
            (pids, {"pids.max": processes}),
        ]
    parent = delegated()
    if parent is None:
        return []
    _enable(parent)
    return [(parent, {"memory.max": memory, "memory.swap.max": 0, "pids.max": processes})]


def delegated() -> Path | None:
    """Version 2: the folder whose inside is ours to arrange, if there is one.

    Our own, or the one above it: there it is for `DelegateSubgroup=`, and once `_enable` has run.
    """
    own = re.search(r"^0::/(.*)$", Path("/proc/self/cgroup").read_text(), re.MULTILINE)
    if own is None or ".." in own[1]:  # that is what a namespace shows of what is outside it
        return None
    if own[1] in ("", OURS):  # a container's own tree carries no mark, and its top is ours
        return MOUNT if (MOUNT / "cgroup.subtree_control").is_file() else None
    folder = MOUNT / own[1]
    return next((each for each in (folder, folder.parent) if _is_given_away(each)), None)


def _is_given_away(folder: Path) -> bool:
    """systemd's mark. Root could write anywhere, and must not where somebody else keeps order."""
    try:
        return os.getxattr(folder, "user.delegate") == b"1"
    except OSError:
        return False


def _enable(folder: Path) -> None:
    """Let the folders inside have limits, which none but the top may while it has processes."""
    control = folder / "cgroup.subtree_control"
    if set(CONTROLLERS) <= set(control.read_text(encoding="ascii").split()):
        return
    for _ in range(MOVES):
        try:
            control.write_text(" ".join(f"+{each}" for each in CONTROLLERS))
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
        else:
            return
        inner = folder / OURS
        inner.mkdir(exist_ok=True)
        for pid in (folder / "cgroup.procs").read_text(encoding="ascii").split():
            _move(int(pid), inner)
    raise OSError(errno.EBUSY, "processes keep appearing", str(folder))


def _move(pid: int, folder: Path) -> None:
    with suppress(ProcessLookupError):  # it has ended since it was listed
        (folder / "cgroup.procs").write_text(f"{pid}\n")


def sweep(parent: Path) -> None:
    """Remove what a killed process left behind."""
    for folder in parent.glob("intakebot-*"):
        match = NAME.fullmatch(folder.name)
        if match and not Path(f"/proc/{match[1]}").exists():
            with suppress(OSError):  # its processes are still ending; the next sweep has it
                folder.rmdir()
