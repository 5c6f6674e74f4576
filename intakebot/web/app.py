"""The Flask application: its rooms, its limits, and the headers on every answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from flask import Flask, Response, abort, g, request, session
from werkzeug.middleware.proxy_fix import ProxyFix

from intakebot.core.dialect import Dialect
from intakebot.flow.house import House
from intakebot.flow.inbox import Inbox
from intakebot.forges.api import Ability
from intakebot.settings import Settings
from intakebot.web import refusals, shown
from intakebot.web.agencies import agencies
from intakebot.web.answers import answers
from intakebot.web.api import api
from intakebot.web.attempts import Attempts
from intakebot.web.body import MOST
from intakebot.web.fetches import Fetches
from intakebot.web.front import NAME, Front
from intakebot.web.headers import new_request_id, protect
from intakebot.web.health import Readiness, health
from intakebot.web.hooks import Hooks
from intakebot.web.live import live
from intakebot.web.opinions import opinions
from intakebot.web.overview import overview
from intakebot.web.own import OwnAccounts
from intakebot.web.pages import pages
from intakebot.web.reports import Reports
from intakebot.web.rules import rules
from intakebot.web.sessions import Sessions
from intakebot.web.sign_in import sign_in
from intakebot.web.status import status
from intakebot.web.wording import wording

SESSION = timedelta(hours=12)
ROOMS = (
    *(health, sign_in, pages, overview, agencies, rules, status),
    *(wording, opinions, live, api, answers),
)


def create_app(settings: Settings, house: House, dialects: Mapping[str, Dialect]) -> Flask:
    app = Flask("intakebot.web")
    app.config.update(
        DEBUG=False,  # whatever the environment says
        SECRET_KEY=settings.session_secret,
        SESSION_COOKIE_NAME="intakebot",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=SESSION,
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=MOST
        + 1,  # a body without a length ends there, and is seen to be too long
        PROVIDE_AUTOMATIC_OPTIONS=False,
    )
    app.session_interface = Sessions()
    app.url_map.merge_slashes = False
    app.extensions[NAME] = shared = Front(
        settings=settings,
        house=house,
        dialects=dialects,
        inbox=Inbox(
            house.database,
            house.bell,
            frozenset(
                name for name, forge in house.forges.items() if Ability.CONNECT in forge.abilities
            ),
        ),
        own=OwnAccounts(house.forges),
        attempts=Attempts(house.now),
        fetches=Fetches(house),
        readiness=Readiness(settings.database_url),
        reports=Reports(settings, house),
    )
    app.before_request(_name_request)
    app.before_request(_refuse_odd_names)
    app.after_request(_protect)
    refusals.install(app)
    shown.install(app)
    for room in ROOMS:
        app.register_blueprint(room)
    app.wsgi_app = Hooks(app.wsgi_app, shared)  # type: ignore[method-assign]
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
    return app


def _name_request() -> None:
    g.request_id = new_request_id()


def _refuse_odd_names() -> None:
    """`//hooks/git` is not `/hooks/git`; and no name holds a NUL, which databases choke on."""
    odd = request.environ.get("PATH_INFO", "").startswith("//") or "\0" in request.path
    if odd or any("\0" in value for value in request.args.values()):
        abort(404)


def _protect(response: Response) -> Response:
    protect(response.headers, g.get("request_id", ""))
    if request.endpoint != "static" and (session or request.authorization):
        response.headers["Cache-Control"] = "no-store"
    return response
