"""OAuth consumers on the pages' host: who lets them know who they are, and their access tokens."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from intakebot.world.bitbucket_cloud import credentials
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.site import Recorded, Site
from intakebot.world.bitbucket_cloud.state import Code, Consumer, Token

PLACE = "/site/oauth2/access_token"
ASKED_AT = "/site/oauth2/authorize"
LASTS = timedelta(hours=2)
CODE_LASTS = timedelta(minutes=10)


def grant(site: Site, request: Request) -> Response:
    with site.lock:
        status, body, by = _granted(site, request)
    site.record(Recorded(request.method, PLACE, status, by))
    return Response(json.dumps(body), status, mimetype="application/json")


def _granted(site: Site, request: Request) -> tuple[int, dict[str, Any], str]:
    """As people have seen it answer; the words are RFC 6749's."""
    if request.method != "POST":
        return 405, {"error": "invalid_request"}, ""
    consumer = _shown(site, request.headers.get("Authorization", ""))
    if consumer is None:
        return 400, _no("unauthorized_client", "Invalid OAuth client credentials"), ""
    match request.form.get("grant_type"):
        case "client_credentials":
            return _for_itself(site, consumer)
        case "authorization_code":
            return _for_somebody(site, consumer, request)
    return 400, _no("unsupported_grant_type", "Unsupported grant type"), ""


def _for_itself(site: Site, consumer: Consumer) -> tuple[int, dict[str, Any], str]:
    if not consumer.private:
        said = 'Cannot use client_credentials with a consumer marked as "public".'
        return 400, _no("invalid_grant", said), ""
    if not consumer.callback:
        said = "No callback uri defined for the OAuth client."
        return 400, _no("invalid_request", said), ""
    return _token(site, consumer, consumer.user, "client_credentials")


def _for_somebody(
    site: Site, consumer: Consumer, request: Request
) -> tuple[int, dict[str, Any], str]:
    code = site.state.codes.pop(request.form.get("code", ""), None)
    if code is None or code.consumer != consumer.key or site.moments.now() >= code.until:
        return 400, _no("invalid_grant", "The specified code is not valid."), ""
    if request.form.get("redirect_uri", "") != code.redirect_uri:
        return 400, _no("invalid_grant", "redirect_uri does not match"), ""
    return _token(site, consumer, code.user, "authorization_code")


def _token(
    site: Site, consumer: Consumer, user: str, state: str
) -> tuple[int, dict[str, Any], str]:
    token = Token(secrets.token_urlsafe(48), "oauth", user, consumer.scopes)
    token.until = site.moments.now() + LASTS
    site.state.tokens[token.secret] = token
    body = {
        "access_token": token.secret,
        "scopes": " ".join(sorted(consumer.scopes)),
        "expires_in": int(LASTS.total_seconds()),
        "token_type": "bearer",
        "refresh_token": secrets.token_urlsafe(12),
        "state": state,
    }
    return 200, body, site.state.users[user].nickname


# --- the page where somebody lets a consumer know who they are ------------------------


def ask(site: Site, request: Request) -> Response:
    """The product knows whose browser it is by its own session; here one says it."""
    with site.lock:
        response, by = _asked(site, request)
    query = request.query_string.decode()
    site.record(Recorded(request.method, ASKED_AT, response.status_code, by, query=query))
    return response


def _asked(site: Site, request: Request) -> tuple[Response, str]:
    consumer = site.state.consumers.get(request.args.get("client_id", ""))
    if consumer is None or request.args.get("response_type") != "code":
        return Response("Invalid client_id", 400), ""
    back = request.args.get("redirect_uri", "")
    if not (back or consumer.callback).startswith(consumer.callback):
        return Response("Invalid redirect_uri", 400), ""
    people = {one.nickname: one for one in site.state.users.values() if one.kind == "user"}
    if request.method != "POST":
        buttons = "".join(f'<button name="as" value="{n}">{n}</button>' for n in sorted(people))
        deny = '<button name="as" value="">Cancel</button>'
        page = f'<title>Confirm access</title><form method="post">{buttons}{deny}</form>'
        return Response(page, mimetype="text/html"), ""
    answer = {"state": request.args.get("state", "")}
    somebody = people.get(request.form.get("as", ""))
    if somebody is None:
        answer |= _no("access_denied", "The user denied access to the application")
    else:
        code = secrets.token_urlsafe(12)
        until = site.moments.now() + CODE_LASTS
        site.state.codes[code] = Code(consumer.key, somebody.uuid, back, until)
        answer["code"] = code
    place = f"{back or consumer.callback}?{urlencode(answer)}"
    return redirect(place), somebody.nickname if somebody else ""


def _shown(site: Site, header: str) -> Consumer | None:
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        key, secret = credentials.pair(rest)
    except Refusal:
        return None
    found = site.state.consumers.get(key)
    return found if found is not None and found.secret == secret else None


def _no(error: str, said: str) -> dict[str, str]:
    return {"error": error, "error_description": said}
