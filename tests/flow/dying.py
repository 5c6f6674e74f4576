"""Work in a process that is killed at a named step."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable

from intakebot import crash


def dies(work: Callable[[], None], step: str, times: int = 1) -> bool:
    """Work in a fork that is killed with SIGKILL at a crashpoint; True when it was.

    Connections never cross a fork: close them before, and open new ones in `work`.
    """
    pid = os.fork()
    if pid == 0:
        os.environ["INTAKEBOT_CRASH"] = f"{step}:{times}"
        crash.read_again()
        os._exit(status_of(work))
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the process failed before it reached its end"
    return False


def status_of(work: Callable[[], None]) -> int:
    """For the exit of a fork: what went wrong there is nobody else's to see."""
    try:
        work()
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def apart(work: Callable[[], None]) -> None:
    """Work in a fork, with whatever it does to its process; that must end well."""
    pid = os.fork()
    if pid == 0:
        os._exit(status_of(work))
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, "the process failed before it reached its end"
