"""The web process: gunicorn with one worker and a few threads, ended with its parent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from intakebot.settings import Settings, require
from intakebot.timely import Pace, die_with_parent, worker
from intakebot.web.app import create_app
from intakebot.wiring import build_house, dialects

if TYPE_CHECKING:
    from flask import Flask

PACE = Pace(silence=10, patience=15, rate=4096)


def serve(
    settings: Settings, host: str, port: int, *, threads: int = 16, pace: Pace = PACE
) -> None:
    """Blocks until a SIGTERM or SIGINT; then exits the process. No secret, no start."""
    require(settings)
    dialects()  # a malformed file stops the start, not the first request
    _Server(settings, host, port, threads, pace).run()


class _OurLog(Logger):  # type: ignore[misc]  # gunicorn has no types
    """What gunicorn has to say goes the way of all our lines: one JSON object an event."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, settings: Settings, host: str, port: int, threads: int, pace: Pace) -> None:
        self._house = settings
        self._settings = {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "worker_class": worker(pace),
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
            "logger_class": _OurLog,
            "post_fork": die_with_parent,
        }
        super().__init__()

    def load_config(self) -> None:
        for key, value in self._settings.items():
            self.cfg.set(key, value)

    def load(self) -> Flask:
        """Called in the worker, after the fork: no database connection crosses it."""
        return create_app(self._house, build_house(self._house), dialects())
