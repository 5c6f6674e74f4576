"""The headers on every answer."""

from __future__ import annotations

import secrets

from werkzeug.datastructures import Headers

REQUEST_ID = "X-Request-Id"
PROTECTING = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "script-src 'self'; connect-src 'self'; font-src 'none'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def new_request_id() -> str:
    """What an answer and the lines of the log about it share."""
    return secrets.token_hex(8)


def protect(headers: Headers, request_id: str) -> None:
    headers.update(PROTECTING)
    headers[REQUEST_ID] = request_id
