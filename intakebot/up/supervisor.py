"""Keeps a set of processes running, and takes all of them down when it ends, however it ends.

Every child asks the kernel to be killed with its parent. What children start in turn (git, hooks,
sandboxes) carries the house's tag in its environment; a watchdog in a session of its own notices
the supervisor's end by a closed pipe and kills whatever still carries the tag.
"""

from __future__ import annotations

import ctypes
import gc
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from intakebot import log
from intakebot.model import OperatorError, TryLater

TAG = "INTAKEBOT_HOUSE"
FOR_PROGRAMS = (TAG, "PATH", "LANG")  # none of our tokens is any program's business
GRACE = 8.0  # seconds between SIGTERM and SIGKILL
BACK_OFF = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # seconds before a process that ended starts again
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the house: a function run in a fork, or a program.

    One that `others_need` is stopped after all the rest.
    """

    name: str
    run: Callable[[], None] | None = None
    argv: Sequence[str] = ()
    others_need: bool = False


@dataclass(slots=True)
class _Running:
    part: Part
    pid: int
    started: float
    failures: int = 0


@dataclass(slots=True)
class Supervisor:
    parts: Sequence[Part]
    leash: int = -1  # held open by this process alone; the watchdog sees it close
    running: dict[int, _Running] = field(default_factory=dict)
    waiting: list[tuple[float, Part, int]] = field(default_factory=list)
    stopping: bool = False
    woken: int = -1  # a pipe's end, readable once a signal has come

    def start(self) -> None:
        self.woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGCHLD, _nothing)  # one without a handler wakes nobody
        self.leash = start_watchdog()
        # What the parts inherit stays shared, and none of them clears away what is none of theirs:
        # a signal that comes meanwhile would get lost in it. Not collected before, since what is
        # free then is filled by each of them for itself: it took 50 MB more.
        gc.freeze()
        for part in self.parts:
            self._start(part, 0)

    def wait(self) -> None:
        """Until told to stop; restarts what ends by itself."""
        while not self.stopping:
            self.tend()
            self._sleep()
        self._end_all()

    def _sleep(self) -> None:
        """Until a process ends, a signal comes or one is due to start again: at rest, for ever."""
        due = min((at for at, _, _ in self.waiting), default=None)
        seconds = None if due is None else max(0.0, due - time.monotonic())
        if select.select([self.woken], [], [], seconds)[0]:
            os.read(self.woken, 4096)

    def tend(self) -> None:
        """Start again what has ended by itself."""
        self._reap()
        self._start_waiting()

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def _start(self, part: Part, failures: int) -> None:
        pid = spawn(part, self.leash)
        self.running[pid] = _Running(part, pid, time.monotonic(), failures)

    def _reap(self) -> None:
        for pid, child in list(self.running.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                continue
            del self.running[pid]
            lived = time.monotonic() - child.started
            failures = 0 if lived > 30 else child.failures + 1
            log.warning("process ended", part=child.part.name, status=status, lived=round(lived, 1))
            wait = BACK_OFF[min(failures, len(BACK_OFF) - 1)]
            self.waiting.append((time.monotonic() + wait, child.part, failures))

    def _start_waiting(self) -> None:
        now = time.monotonic()
        due = [item for item in self.waiting if item[0] <= now]
        self.waiting = [item for item in self.waiting if item[0] > now]
        for _, part, failures in due:
            self._start(part, failures)

    def _end_all(self) -> None:
        needed = {pid: child for pid, child in self.running.items() if child.part.others_need}
        for pid in needed:
            del self.running[pid]
        self._end_running()
        self.running = needed
        self._end_running()

    def _end_running(self) -> None:
        for pid in self.running:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        while self.running and time.monotonic() < deadline:
            for pid in list(self.running):
                with suppress(ChildProcessError):
                    if os.waitpid(pid, os.WNOHANG)[0]:
                        del self.running[pid]
            time.sleep(0.02)
        for pid in self.running:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _nothing(_signal: int, _frame: FrameType | None) -> None:
    pass


def spawn(part: Part, leash: int) -> int:
    """Start one part without the leash; it dies with this thread, which must be the main one."""
    if part.run is None:
        parent = os.getpid()
        return subprocess.Popen(
            list(part.argv),
            stdin=subprocess.DEVNULL,
            preexec_fn=lambda: die_with(parent),
            start_new_session=True,
            env={name: os.environ[name] for name in FOR_PROGRAMS if name in os.environ},
        ).pid
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        os.close(leash)
        signal.set_wakeup_fd(-1)  # what comes to the child is no news for its parent
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        die_with(parent)
        part.run()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except (TryLater, OperatorError) as error:
        log.warning("process can't go on", part=part.name, why=str(error))
    except BaseException:
        log.bug("process failed", part=part.name)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def die_with(parent: int) -> None:
    """Be killed when the parent ends, also when it has ended just now."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def start_watchdog() -> int:
    """A process that outlives this one just long enough to kill what it left behind.

    Returns the descriptor whose closing it waits for.
    """
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, False)
    if os.fork():
        os.close(read_end)
        return write_end
    try:
        os.setsid()
        os.close(write_end)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        _close_all_but(read_end)
        os.read(read_end, 1)
        kill_tagged(os.environ[TAG])
    finally:
        os._exit(0)


def _close_all_but(kept: int) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.closerange(3, kept)
    os.closerange(kept + 1, 4096)


def kill_tagged(tag: str) -> None:
    """SIGKILL to every process that carries the tag in its environment, until none is left."""
    wanted = f"{TAG}={tag}".encode()
    for _ in range(200):
        found = [pid for pid in _pids() if pid != os.getpid() and _carries(pid, wanted)]
        if not found:
            return
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _carries(pid: int, wanted: bytes) -> bool:
    try:
        return wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # gone, or another user's
        return False
