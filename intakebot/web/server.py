"""The web process: gunicorn with one worker and a few threads, ended with its parent."""

from __future__ import annotations

import ctypes
import signal
import socket
import struct
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

from intakebot.settings import Settings, require
from intakebot.web.app import create_app
from intakebot.web.body import SILENCE
from intakebot.wiring import build_house, dialects

if TYPE_CHECKING:
    from flask import Flask

_PR_SET_PDEATHSIG = 1


def serve(settings: Settings, host: str, port: int, *, threads: int = 8) -> None:
    """Blocks until a SIGTERM or SIGINT; then exits the process. No secret, no start."""
    require(settings)
    dialects()  # a malformed file stops the start, not the first request
    _Server(settings, host, port, threads).run()


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, settings: Settings, host: str, port: int, threads: int) -> None:
        self._house = settings
        self._settings = {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": threads,
            "graceful_timeout": 5,
            "keepalive": 5,
            "limit_request_line": 4094,
            "limit_request_fields": 50,
            "limit_request_field_size": 8190,
            "forwarded_allow_ips": "",  # whom to believe is counted by ProxyFix alone
            "control_socket_disable": True,
            "loglevel": "warning",
            "when_ready": _time_out_silence,
            "post_fork": _die_with_parent,
        }
        super().__init__()

    def load_config(self) -> None:
        for key, value in self._settings.items():
            self.cfg.set(key, value)

    def load(self) -> Flask:
        """Called in the worker, after the fork: no database connection crosses it."""
        return create_app(self._house, build_house(self._house), dialects())


def _time_out_silence(arbiter: Any) -> None:
    """Accepted sockets inherit it: half a request header must not hold a thread for ever."""
    seconds = struct.pack("ll", int(SILENCE), 0)
    for listener in arbiter.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, seconds)


def _die_with_parent(_arbiter: Any, _worker: Any) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
