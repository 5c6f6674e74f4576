"""Request bodies as strangers may send them: bounded in size and in silence."""

from __future__ import annotations

import socket

from flask import abort, request

MOST = 1 << 20  # bytes, of any request
SILENCE = 10.0  # seconds without a byte before a half-sent body is given up


def limit_silence() -> None:
    """Before each request: a stalled body ends as a refused request and frees its thread."""
    client: socket.socket | None = request.environ.get("gunicorn.socket")
    if client is not None:
        client.settimeout(SILENCE)


def read_json_bytes() -> bytes:
    """The raw body of a request that says it is JSON; 413 and 415 otherwise."""
    if (request.content_length or 0) > MOST:
        abort(413)
    if request.mimetype != "application/json":
        abort(415, "Send Content-Type: application/json.")
    if request.headers.get("Content-Encoding"):
        abort(415, "Send the body as it is, without a Content-Encoding.")
    body = request.get_data(cache=False)
    if len(body) > MOST:
        abort(413)
    return body
