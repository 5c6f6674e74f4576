"""The socket over which hooks ask the forge, in a process that has other connections."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence

import pytest

from intakebot.gitforge.talk import Answer, Talk


def welcome(hook: str, environ: Mapping[str, str], updates: Sequence[str]) -> Answer:
    return Answer(0, [f"{hook} by {environ['WHO']}", *updates])


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_hook_is_answered_and_its_socket_is_nobody_elses_until_the_end() -> None:
    """Once its thread had closed it, its number went to the next connection that was accepted,
    and the end of a push could cut off a stranger."""
    before = descriptors()
    running = set(threading.enumerate())
    talk = Talk(welcome)
    hook = talk.theirs.dup()
    talk.start()
    with hook:
        hook.sendall(b"update\0WHO=ada\0\0refs/heads/main\0")
        assert hook.recv(100) == b" update by ada\n refs/heads/main\n0\n"
    for thread in set(threading.enumerate()) - running:
        thread.join(10)
    assert descriptors() == before + 1
    talk.end()
    assert descriptors() == before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_question_that_can_not_be_answered_ends_the_talk() -> None:
    def fail(_hook: str, _environ: Mapping[str, str], _updates: Sequence[str]) -> Answer:
        raise OSError("the forge's disk is gone")

    talk = Talk(fail)
    hook = talk.theirs.dup()
    talk.start()
    with hook:
        hook.settimeout(10)
        hook.sendall(b"update\0WHO=ada\0\0refs/heads/main\0")
        assert hook.recv(100) == b""
    talk.end()
