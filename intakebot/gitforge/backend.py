"""`git http-backend` as a process with one descriptor more than `subprocess` can give it."""

from __future__ import annotations

import fcntl
import functools
import os
import signal
import socket
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from typing import IO

TALK = 9  # the highest that every shell can name
BEYOND = 10  # no end of ours may have a number that a child's has


@functools.cache
def _program() -> str:
    """The program itself: a signal to the `git` wrapper would not reach it."""
    found = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True)
    return os.path.join(found.stdout.strip(), "git-http-backend")


class Backend:
    """Its working folder is the server's. `talk` becomes descriptor 9 of it and all it starts."""

    def __init__(self, env: Mapping[str, str], talk: socket.socket | None) -> None:
        with ExitStack() as stack:

            def pipe() -> tuple[int, int]:
                ends = os.pipe()
                for end in ends:
                    stack.callback(os.close, end)
                return ends

            reads, fed = pipe()
            answers, writes = pipe()
            given = [(reads, 0), (writes, 1)]
            if talk is not None:
                end = fcntl.fcntl(talk, fcntl.F_DUPFD_CLOEXEC, BEYOND)
                stack.callback(os.close, end)
                given.append((end, TALK))
            self._pid = os.posix_spawn(
                _program(),
                ["git-http-backend"],
                env,
                file_actions=[(os.POSIX_SPAWN_DUP2, ours, its) for ours, its in given],
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # Python ignores them, git must not
            )
            self.stdin: IO[bytes] = os.fdopen(os.dup(fed), "wb", buffering=0)
            self.stdout: IO[bytes] = os.fdopen(os.dup(answers), "rb", buffering=0)
        self._ended = False

    def terminate(self) -> None:
        if not self._ended:
            os.kill(self._pid, signal.SIGTERM)

    def wait(self) -> None:
        if not self._ended:
            os.waitpid(self._pid, 0)
            self._ended = True
