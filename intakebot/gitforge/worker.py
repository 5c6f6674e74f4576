"""Gunicorn's threaded worker, made patient with silent clients in the right thread."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import signal
import socket
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

_PR_SET_PDEATHSIG = 1
_LINGER = 2.0  # seconds
_DRAINED = 64 * 1024  # bytes


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Waits for the other side of a closing connection in the connection's own thread.

    Gunicorn does so in the thread that accepts: there each silent client would hold up
    everybody for two seconds. What it still does afterwards then takes no time.
    """

    def handle(self, conn: Any) -> Any:
        answer = super().handle(conn)
        if answer is False:
            _linger(conn.sock)
        return answer


def _linger(client: socket.socket) -> None:
    """Say goodbye and read on a little, so that the last answer is not lost to a reset."""
    end, drained = time.monotonic() + _LINGER, 0
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_WR)
        while drained < _DRAINED and (left := end - time.monotonic()) > 0:
            client.settimeout(left)
            data = client.recv(4096)
            if not data:
                break
            drained += len(data)
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_RD)


def prepare(_arbiter: Any, _worker: Any) -> None:
    """In the worker process, right after the fork: it never outlives its parent."""
    logging.getLogger("gunicorn.error").addFilter(_is_no_silence)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _is_no_silence(record: logging.LogRecord) -> bool:
    """A client that fell silent is cut off as designed: no traceback for it in the log."""
    return not (record.exc_info and isinstance(record.exc_info[1], BlockingIOError))
