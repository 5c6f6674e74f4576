"""The JSON API of the forge: docs/git-forge.md, section "API"."""

from __future__ import annotations

import sqlite3

from flask import Blueprint, Flask, Response, current_app, jsonify
from werkzeug.exceptions import HTTPException

from intakebot.gitforge.api import comments, door, pulls, repos, reviews
from intakebot.gitforge.api.body import LARGEST_BODY, ApiError
from intakebot.gitforge.layout import Layout
from intakebot.gitforge.store import ForgeError


def make_api(layout: Layout) -> Flask:
    app = Flask("intakebot.gitforge", static_folder=None)
    app.config.update(LAYOUT=layout, MAX_CONTENT_LENGTH=LARGEST_BODY, DEBUG=False)
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    api = Blueprint("api", __name__, url_prefix="/api")
    api.before_request(door.open_visit)
    api.teardown_request(door.close_visit)
    for subject in (repos, pulls, comments, reviews):
        subject.add_to(api)
    app.register_blueprint(api)
    app.add_url_rule("/livez", view_func=_livez)
    app.register_error_handler(ApiError, _said)
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(ForgeError, _unable)
    app.register_error_handler(sqlite3.OperationalError, _unable)
    return app


def _livez() -> Response:
    return Response("ok\n", mimetype="text/plain")


def _said(error: ApiError) -> Response:
    answer = jsonify(error.answer)
    answer.status_code = error.status
    if error.status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="intakebot", charset="UTF-8"'
    return answer


def _from_http(error: HTTPException) -> Response:
    answer = jsonify(error=f"{error.name}.")
    answer.status_code = error.code or 500
    return answer


def _unable(error: Exception) -> Response:
    """Our own trouble: the details are for the log."""
    current_app.logger.error("forge: %s", error)
    answer = jsonify(error="The forge can't do this now; try again.")
    answer.status_code = 503
    return answer
