"""How the web process says no: one sentence and a request id, as JSON or as a page."""

from __future__ import annotations

import math

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable
from werkzeug.wrappers import Response as BaseResponse

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
    app.register_error_handler(
        Exception, lambda error: refuse(meant(error, g.get("request_id", "")))
    )


def meant(error: Exception, request_id: str) -> HTTPException:
    """What whoever asked is told of it. What only the operator can understand is in the log."""
    match error:
        case HTTPException():
            return error
        case TryLater():
            log.warning("not now", why=str(error), request=request_id)
            return ServiceUnavailable(retry_after=math.ceil(error.after))
        case OperatorError():
            log.warning("the operator is needed", why=str(error), request=request_id)
            return ServiceUnavailable(retry_after=60)
    log.bug("request failed", request=request_id, kind=type(error).__name__)
    return InternalServerError()


def refuse(error: HTTPException) -> Response:
    """The answer to a refused request."""
    if error.response is not None or (error.code or 500) < 400:  # a redirect
        return make_response(error.get_response())
    response = _body(sentence(error))
    dress(response, error)
    return response


def sentence(error: HTTPException) -> str:
    """A description of our own wins over the general one."""
    ours = error.description != type(error).description
    return (error.description if ours else SENTENCES.get(error.code or 500)) or error.name


def as_json(sentence: str, request_id: str) -> dict[str, str]:
    """What a refusal says to a machine."""
    return {"error": sentence, "request": request_id}


def dress(response: BaseResponse, error: HTTPException) -> None:
    """Its status, and the headers that belong to it."""
    response.status_code = error.code or 500
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers.add(name, value)


def _body(sentence: str) -> Response:
    if request.path.startswith(MACHINES):
        return jsonify(as_json(sentence, g.get("request_id", "")))
    # Not through `page`: who is signed in can't be asked when the database is what fails.
    return make_response(render_template("error.html", sentence=sentence))
