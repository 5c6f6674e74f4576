"""The forge's server process: the Git bridge in front of the JSON API."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

from intakebot.gitforge.api import make_api
from intakebot.gitforge.bridge import Bridge
from intakebot.gitforge.layout import Layout
from intakebot.gitforge.store import connected, held
from intakebot.timely import Pace, die_with_parent, worker

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SILENCE = 15.0  # seconds that a client may keep still in the middle of a request
RATE = 1024  # bytes that earn a second of waiting back: pushes may come over slow lines


def application(state: Path) -> WSGIApplication:
    layout = Layout(state.absolute())
    with connected(layout):
        pass  # a missing or foreign database stops the start, not the first request
    bridge = Bridge(layout)
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
        "worker_class": worker(Pace(silence, 2 * silence, RATE)),
    }
    _Server(state, settings).run()


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, state: Path, settings: dict[str, Any]) -> None:
        self._app = application(state)
        self._layout = Layout(state.absolute())
        self._settings = {
            **settings,
            "workers": 1,
            "graceful_timeout": 5,
            "keepalive": 5,
            "limit_request_line": 4094,
            "limit_request_fields": 50,
            "limit_request_field_size": 8190,
            "control_socket_disable": True,
            "loglevel": "warning",
            "post_fork": die_with_parent,
        }
        super().__init__()

    def load_config(self) -> None:
        for key, value in self._settings.items():
            self.cfg.set(key, value)

    def load(self) -> WSGIApplication:
        """Called in the worker, after the fork, which no connection may cross."""
        self._held = held(self._layout)
        return self._app
