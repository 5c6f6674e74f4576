"""How the two hooks ask the forge: over a socket that each of them finds open, as descriptor 9.

A hook is a shell script of some lines, and what it asks is decided in the server, where everything
is loaded already. It has no address, so nobody else can ask. When the server ends, the hook reads
the end of the socket and refuses the push.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import takewhile
from typing import NamedTuple

MOST_ASKED = 16 * 1024**2  # bytes of one question; a line for each branch and tag
CHUNK = 64 * 1024


class Answer(NamedTuple):
    """What the hook exits with, and the lines that the pusher reads."""

    status: int
    lines: Sequence[str] = ()


# (hook, its environment, the lines that git gave to it)
Answering = Callable[[str, Mapping[str, str], Sequence[str]], Answer]

# A question: the hook's name, its environment, nothing, what git says; each ended by a NUL.
# The answer: lines after a space, then the status. `read` takes no more than one line at a time.
HOOK = """#!/bin/sh
# Hands git's question on to the forge, and its answer back.
trap '' PIPE
{{ printf '{hook}\\0'; cat /proc/self/environ; printf '\\0'; cat; printf '\\0'; }} >&9 2>/dev/null
while IFS= read -r line <&9; do
    case $line in
    ' '*) printf '%s\\n' "${{line# }}" >&2 ;;
    *) exit "$line" ;;
    esac
done
echo 'intakebot: the forge went away before it had answered; push again.' >&2
exit 1
"""


class Talk:
    """The forge's end during one push; a thread answers until the push is over."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._ours, self.theirs = socket.socketpair()
        self._thread = threading.Thread(target=self._answer, daemon=True)

    def start(self) -> None:
        """Once somebody has the other end: from here on it is theirs alone."""
        self.theirs.close()
        self._thread.start()

    def end(self) -> None:
        """Closed here alone: were it closed in the thread, its number could be a stranger's
        connection by the time that we shut it down."""
        self._hang_up()
        self._thread.join()
        self._ours.close()

    def _hang_up(self) -> None:
        with suppress(OSError):  # the other end has gone already
            self._ours.shutdown(socket.SHUT_RDWR)

    def _answer(self) -> None:
        try:
            pieces = self._pieces()
            for hook in pieces:
                environ = dict(_variable(one) for one in takewhile(bool, pieces))
                updates = next(pieces).decode("utf-8", "surrogateescape").splitlines()
                answer = self._answering(hook.decode(), environ, updates)
                lines = [line for text in answer.lines for line in text.split("\n")]
                said = "".join(f" {line}\n" for line in lines) + f"{answer.status}\n"
                self._ours.sendall(said.encode("utf-8", "backslashreplace"))
        finally:  # also when this fails: whoever waits for an answer must not for ever
            self._hang_up()

    def _pieces(self) -> Iterator[bytes]:
        """What stands before each NUL."""
        begun: list[bytes] = []
        while chunk := self._ours.recv(CHUNK):
            first, *others = chunk.split(b"\0")
            begun.append(first)
            for other in others:
                yield b"".join(begun)
                begun = [other]
            if sum(map(len, begun)) > MOST_ASKED:
                return


def _variable(text: bytes) -> tuple[str, str]:
    name, _, value = os.fsdecode(text).partition("=")
    return name, value
