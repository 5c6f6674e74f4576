"""The forge's server for a test, forked from a process that has loaded all of it already.

Loading it anew for each of a thousand workshops was a fifth of what the tests took.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path

_WARM = multiprocessing.get_context("forkserver")
_WARM.set_forkserver_preload(["intakebot.gitforge.server"])


def forge_server(state: Path, port: int, threads: int = 8) -> BaseProcess:
    """It runs from here on; whether it answers yet is another question."""
    made = _WARM.Process(target=_serve, args=(state, port, threads, dict(os.environ)))
    made.start()
    return made


def _serve(state: Path, port: int, threads: int, environ: Mapping[str, str]) -> None:
    # The process that it is a copy of may have been started by a test with other variables.
    os.environ.clear()
    os.environ.update(environ)
    from intakebot.gitforge.server import serve

    serve(state, "127.0.0.1", port, threads)
