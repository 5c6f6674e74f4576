"""One live sandbox: its processes, its pipes, and the watch over them."""

from __future__ import annotations

import fcntl
import json
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import IO, Self

from intakebot.checks import processes
from intakebot.checks.cgroup import Cgroup, open_cgroup
from intakebot.checks.driver import Marks
from intakebot.checks.limits import HeadAndTail, Limits, SandboxFailed, Stopped

POLL = 0.05  # seconds between two looks at memory
PIPE_BYTES = 1 << 20  # between git and the box; 16 times the usual
ASK = 0.5  # seconds between two questions whether the result is still wanted
FLOOD = 8  # times what is kept
BOX_PROCESSES = 8  # ours, beside the check's
DEATH_SECONDS = 10

Tree = Callable[[IO[bytes]], None]


class Box:
    """Used as a context; when it is left, every process in it is dead.

    bwrap must be started by the thread that waits for the result: the kernel ties
    `--die-with-parent` to the parent's thread, so one that ends would take the box along.
    """

    def __init__(
        self, limits: Limits, keep_alive: Callable[[], bool], kept: IO[bytes] | None = None
    ) -> None:
        self.marks = Marks(kept)
        self.output = HeadAndTail(limits.output)
        self.feed_error: BaseException | None = None
        self._limits = limits
        self._keep_alive = keep_alive
        self._asked = time.monotonic()
        self._stack = ExitStack()
        self._selector = selectors.DefaultSelector()
        self._process: subprocess.Popen[bytes] | None = None
        self._feeder: threading.Thread | None = None
        self._init: int | None = None  # pidfd of the first process of the outer namespace
        self._cgroup: Cgroup | None = None

    def __enter__(self) -> Self:
        self._stack.callback(self._selector.close)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._stack:
            self._kill()

    def pipe(self) -> tuple[int, int]:
        """Reading and writing end, both closed with the box."""
        ends = os.pipe()
        for end in ends:
            self._stack.callback(os.close, end)
        return ends

    def memory_file(self, data: bytes) -> int:
        """A descriptor to read `data` from, closed with the box."""
        descriptor = os.memfd_create("intakebot")
        self._stack.callback(os.close, descriptor)
        os.write(descriptor, data)
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor

    def start(self, argv: Sequence[str], drop_to: tuple[int, int] | None, fds: list[int]) -> None:
        """With nothing in its environment: /proc/1/environ shows it to the check."""
        user, group = drop_to or (None, None)
        try:
            self._process = process = subprocess.Popen(
                argv,
                user=user,
                group=group,
                extra_groups=None if drop_to is None else [],
                env={},
                cwd="/",
                pass_fds=fds,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxFailed(f"{argv[0]} cannot be started: {error}") from error
        take_in = ((process.stdout, self.marks.add), (process.stderr, self.output.add))
        for stream, take in take_in:
            if stream is not None:
                self._stack.enter_context(stream)
                os.set_blocking(stream.fileno(), False)
                self._selector.register(stream.fileno(), selectors.EVENT_READ, take)

    def adopt(self, info: int) -> None:
        """Hold on to the box's first process, and put the box into a cgroup where that can be.

        `info` is the pipe in which bwrap says what that process is; its mark is there already.
        """
        assert self._process is not None  # noqa: S101
        first = int(json.loads(os.read(info, 65536))["child-pid"])
        self._init = os.pidfd_open(first)
        self._stack.callback(os.close, self._init)
        # What is written to tmpfs counts as memory for the kernel.
        hard = self._limits.memory + self._limits.disk
        self._cgroup = open_cgroup(
            [self._process.pid, *processes.descendants(self._process.pid)],
            memory=hard,
            processes=self._limits.processes + BOX_PROCESSES,
        )

    def feed(self, tree: Tree) -> None:
        assert self._process is not None and self._process.stdin is not None  # noqa: S101
        stream = self._process.stdin
        with suppress(OSError):  # more than a user may have: then it stays as it is
            fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

        def write() -> None:
            try:
                with stream:
                    tree(stream)
            except BaseException as error:  # handed to the thread that waits
                self.feed_error = error

        self._feeder = threading.Thread(target=write, name="sandbox-tree", daemon=True)
        self._feeder.start()

    def fed(self) -> None:
        """Raise what went wrong while the tree was written. The box reads no more of it.

        A broken pipe is not that: it is the box that stopped reading.
        """
        if self._feeder is not None:
            self._feeder.join(DEATH_SECONDS)
        if self.feed_error is not None and not isinstance(self.feed_error, BrokenPipeError):
            raise self.feed_error

    def wait(self, mark: str, seconds: float) -> Stopped:
        """Until the driver has said `mark`; otherwise why it was not waited for any longer."""
        deadline = time.monotonic() + seconds
        while mark not in self.marks.seen:
            if self._ended():
                if self.ran_out_of_memory():
                    return "memory"
                raise SandboxFailed(f"the sandbox ended before it was {mark}: {self.last_words()}")
            if time.monotonic() > deadline:
                return "time"
            self._pump(POLL)
            if why := self._pressed():
                return why
        return ""

    def drain(self) -> None:
        """Take in what is still in the pipes. The check is dead, so it is finite."""
        while self._pump(0):
            pass

    def last_words(self) -> str:
        lines = self.output.value().decode(errors="replace").split("\n")
        return (
            " / ".join([line.strip() for line in lines if line.strip()][-3:]) or "it said nothing"
        )

    def ran_out_of_memory(self) -> bool:
        return self._cgroup is not None and self._cgroup.ran_out_of_memory()

    def _pressed(self) -> Stopped:
        assert self._process is not None  # noqa: S101
        if self.output.total > FLOOD * self._limits.output:
            return "output"
        too_much = processes.exceeds(self._process.pid, self._limits.memory)
        if too_much or self.ran_out_of_memory():
            return "memory"
        if time.monotonic() - self._asked >= ASK:
            self._asked = time.monotonic()
            if not self._keep_alive():
                return "cancelled"
        return ""

    def _pump(self, timeout: float) -> bool:
        """Whether anything came in."""
        ready = self._selector.select(timeout)
        for key, _ in ready:
            data = os.read(key.fd, 65536)
            if data:
                key.data(data)
            else:
                self._selector.unregister(key.fd)
        return bool(ready)

    def _ended(self) -> bool:
        return not self._selector.get_map()

    def _kill(self) -> None:
        """The first process of a namespace takes all others along, whatever they ignore."""
        if self._process is None:
            return
        if self._init is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._init, signal.SIGKILL)
            if not _ends(self._init, DEATH_SECONDS):
                raise SandboxFailed("the processes of a check could not be ended; see `ps`")
        self._process.kill()
        self._process.wait()
        if self._feeder is not None:
            self._feeder.join(DEATH_SECONDS)
        elif self._process.stdin is not None:
            self._process.stdin.close()
        if self._cgroup is not None:
            self._cgroup.remove()


def _ends(pidfd: int, seconds: float) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(pidfd, selectors.EVENT_READ)
        return bool(selector.select(seconds))
