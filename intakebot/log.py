"""One JSON line an event on standard error. Never a payload, a comment's text or a token."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

_log = logging.getLogger("intakebot")


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "msg": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        # ASCII escapes keep control characters and line separators out of the terminal.
        return json.dumps(line, default=str)


def set_up(level: str = "INFO") -> None:
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(_Lines())
    root = logging.getLogger()
    root.handlers[:] = [lines]
    root.setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # that it tries again is nobody's news
    _log.setLevel(level)


def info(message: str, **fields: object) -> None:
    _log.info(message, extra={"fields": fields})


def warning(message: str, **fields: object) -> None:
    _log.warning(message, extra={"fields": fields})


def bug(message: str, **fields: object) -> None:
    """Inside an except block: something that should not happen, with its traceback."""
    _log.exception(message, extra={"fields": fields})
