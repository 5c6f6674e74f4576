"""The forge's server process: the Git bridge in front of the JSON API."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

from intakebot.gitforge.api import make_api
from intakebot.gitforge.bridge import Bridge
from intakebot.gitforge.layout import Layout
from intakebot.gitforge.store import connected
from intakebot.gitforge.worker import Worker, prepare

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SILENCE = 15.0  # seconds that a client may keep still in the middle of a request


def application(state: Path, silence: float = SILENCE) -> WSGIApplication:
    layout = Layout(state.absolute())
    with connected(layout):
        pass  # a missing or foreign database stops the start, not the first request
    bridge = Bridge(layout, silence)
    api = make_api(layout)

    def front(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        door: WSGIApplication = bridge if path.startswith("/git/") else api
        return door(environ, start)

    return front


def serve(state: Path, host: str, port: int, threads: int = 32, silence: float = SILENCE) -> None:
    """Blocks until a SIGTERM or SIGINT; then exits the process."""
    settings = {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "threads": threads,
        "when_ready": partial(_time_out_silence, silence),
    }
    _Server(application(state, silence), settings).run()


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, app: WSGIApplication, settings: dict[str, Any]) -> None:
        self._app = app
        self._settings = {
            **settings,
            "worker_class": Worker,
            "workers": 1,
            "graceful_timeout": 5,
            "keepalive": 5,
            "limit_request_line": 4094,
            "limit_request_fields": 50,
            "limit_request_field_size": 8190,
            "control_socket_disable": True,
            "loglevel": "warning",
            "post_fork": prepare,
        }
        super().__init__()

    def load_config(self) -> None:
        for key, value in self._settings.items():
            self.cfg.set(key, value)

    def load(self) -> WSGIApplication:
        return self._app


def _time_out_silence(silence: float, arbiter: Any) -> None:
    """Accepted sockets inherit it: half a request header must not hold a thread for ever."""
    seconds = struct.pack("ll", int(silence), 0)
    for listener in arbiter.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, seconds)
