"""The kernel's own memory limit, where the machine lets this process make one.

`make cgroup2` runs this in a machine whose processes lie in version 2, in a systemd unit
with `Delegate=yes`, as an ordinary user and as root.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from intakebot.checks import cgroup
from intakebot.checks.limits import MIB
from tests.checks.conftest import LIMITS, Shell
from tests.checks.test_sandbox import until

SMALL = replace(LIMITS, memory=64 * MIB, disk=16 * MIB)


def has_place() -> bool:
    one = cgroup.open_cgroup([], memory=64 * MIB, processes=8)
    if one is not None:
        one.remove()
    return one is not None


pytestmark = pytest.mark.skipif(
    not has_place(), reason="this process may make no cgroup here (no root, and nothing delegated)"
)


def runs() -> list[Path]:
    """The folders of this process's runs."""
    return sorted(cgroup.MOUNT.rglob(f"intakebot-{os.getpid()}-*"))


def limit(folder: Path) -> int | None:
    for name in ("memory.max", "memory.limit_in_bytes"):
        if (folder / name).exists():
            return int((folder / name).read_text())
    return None


@pytest.fixture
def going_on(shell: Shell) -> Iterator[list[Path]]:
    """The folders of a run that goes on until the test is over."""
    over = threading.Event()
    run = threading.Thread(
        target=shell,
        args=("echo alive; sleep 60",),
        kwargs={"limits": SMALL, "keep_alive": lambda: not over.is_set()},
    )
    run.start()
    try:
        until(lambda: any((each / "cgroup.procs").read_text() for each in runs()))
        yield runs()
    finally:
        over.set()
        run.join()


def test_a_check_lies_in_a_cgroup_with_its_limits_and_nothing_else_does(
    going_on: list[Path],
) -> None:
    inside = {int(pid) for each in going_on for pid in (each / "cgroup.procs").read_text().split()}
    assert inside and os.getpid() not in inside
    assert (SMALL.memory + SMALL.disk) in [limit(each) for each in going_on]
    assert any((each / "pids.max").exists() for each in going_on)


def test_two_runs_at_once_have_a_cgroup_each_and_none_is_left_behind(
    going_on: list[Path], shell: Shell
) -> None:
    assert shell("true", limits=SMALL).status == 0
    assert runs() == going_on  # the short one's are gone, the long one's are as they were


def test_memory_that_is_taken_and_given_back_at_once_is_noticed(python: Shell) -> None:
    """Quicker than anybody who looks from outside now and then."""
    took = "import mmap\nmmap.mmap(-1, 512 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_POPULATE)"
    ran = python(f"{took}.close()\n", limits=SMALL)
    assert (ran.status, ran.stopped) == (None, "memory")


def test_what_a_killed_worker_left_behind_is_removed_by_the_next_run(shell: Shell) -> None:
    parents = {each.parent for each in _one_runs_folders(shell)}
    gone = 2**22 - 1  # no process has that number
    left = [parent / f"intakebot-{gone}-0badc0de" for parent in parents]
    for folder in left:
        folder.mkdir()
    assert shell("true", limits=SMALL).status == 0
    assert not [folder for folder in left if folder.exists()]


def _one_runs_folders(shell: Shell) -> list[Path]:
    seen: list[Path] = []

    def look() -> bool:
        seen.extend(runs())
        return not seen

    shell("sleep 60", limits=SMALL, keep_alive=look)
    return seen
