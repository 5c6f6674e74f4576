"""Ports for what the demo and the tests start, so that no two processes are given the same one.

Asking the kernel for a free port and letting go of it is a race: whoever asks next may get it
before its server binds it. So each process takes a block of ports for itself first. Its claim is
a name in the kernel, which goes with the process however it ends.
"""

from __future__ import annotations

import os
import socket
from errno import EADDRINUSE
from functools import cache
from secrets import SystemRandom
from threading import Lock

BLOCK = 100
# Below those that the kernel gives to clients by itself, 32768 and up.
BLOCKS = tuple(range(12_000, 32_000, BLOCK))


class Block:
    """The ports of one process, handed out in turn so that each rests before it is used again."""

    def __init__(self) -> None:
        self.first = _claim()
        self.next = 0
        self.lock = Lock()

    def take(self, count: int) -> int:
        """The first of `count` neighbouring ports that nobody listens on."""
        with self.lock:
            for _ in range(BLOCK):
                if self.next + count > BLOCK:
                    self.next = 0
                port = self.first + self.next
                self.next += count
                if all(_is_free(port + more) for more in range(count)):
                    return port
        raise OSError(EADDRINUSE, f"every port from {self.first} on is taken, {BLOCK} of them")


def free_port() -> int:
    return _own(os.getpid()).take(1)


def free_ports() -> int:
    """A port whose successor is free too: pages and Git take a pair."""
    return _own(os.getpid()).take(2)


@cache
def _own(_pid: int) -> Block:
    """A fork is another process, with a block of its own."""
    return Block()


def _claim() -> int:
    """The first port of a block that is ours from now on."""
    for first in SystemRandom().sample(BLOCKS, len(BLOCKS)):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0intakebot-ports-{first}")
        except OSError:
            claim.close()
            continue
        claim.detach()  # open until we end; nobody closes it before
        return first
    raise OSError(EADDRINUSE, f"{len(BLOCKS)} processes hold every block of ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
