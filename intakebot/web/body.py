"""Request bodies as strangers may send them: bounded in size. How slow they may be: timely.py."""

from __future__ import annotations

from flask import abort, request

MOST = 1 << 20  # bytes, of any request


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
