"""How the web process says no: one sentence and a request id, as JSON or as a page."""

from __future__ import annotations

import math

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from intakebot import log
from intakebot.model import OperatorError, TryLater

MACHINES = ("/api/", "/hooks/", "/answers/", "/livez", "/readyz")
SENTENCES = {
    400: "This request can't be read.",
    401: "Please sign in.",
    404: "There is nothing here that you may see.",
    405: "This address does not take that method.",
    413: "This is too large; 1 MiB is the most.",
    429: "Too many failed attempts; please wait.",
    500: "Something went wrong on our side; the log has it.",
    503: "This can't be answered now; please try again in a moment.",
}


def install(app: Flask) -> None:
    app.register_error_handler(HTTPException, refuse)
    app.register_error_handler(TryLater, _try_later)
    app.register_error_handler(OperatorError, _misconfigured)
    app.register_error_handler(Exception, _bug)


def refuse(error: HTTPException) -> Response:
    """The answer to a refused request. A description of our own wins over the general one."""
    status = error.code or 500
    if error.response is not None or status < 400:  # a redirect
        return make_response(error.get_response())
    ours = error.description != type(error).description
    sentence = (error.description if ours else SENTENCES.get(status)) or error.name
    response = _body(sentence)
    response.status_code = status
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers.add(name, value)
    return response


def _body(sentence: str) -> Response:
    if request.path.startswith(MACHINES):
        return jsonify(error=sentence, request=g.get("request_id", ""))
    # Not through `page`: who is signed in can't be asked when the database is what fails.
    return make_response(render_template("error.html", sentence=sentence))


def _try_later(error: TryLater) -> Response:
    log.warning("not now", why=str(error), request=g.get("request_id", ""))
    return refuse(ServiceUnavailable(retry_after=math.ceil(error.after)))


def _misconfigured(error: OperatorError) -> Response:
    log.warning("the operator is needed", why=str(error), request=g.get("request_id", ""))
    return refuse(ServiceUnavailable(retry_after=60))


def _bug(error: Exception) -> Response:
    log.bug("request failed", request=g.get("request_id", ""), kind=type(error).__name__)
    failed = HTTPException(SENTENCES[500])
    failed.code = 500
    return refuse(failed)
