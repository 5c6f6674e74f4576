"""Grants access tokens to OAuth consumers, on the pages' host: client credentials alone."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from typing import Any

from werkzeug.wrappers import Request, Response

from intakebot.world.bitbucket_cloud import credentials
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.site import Recorded, Site
from intakebot.world.bitbucket_cloud.state import Consumer, Token

PLACE = "/site/oauth2/access_token"
LASTS = timedelta(hours=2)


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
    if request.form.get("grant_type") != "client_credentials":
        return 400, _no("unsupported_grant_type", "Unsupported grant type"), ""
    if not consumer.private:
        said = 'Cannot use client_credentials with a consumer marked as "public".'
        return 400, _no("invalid_grant", said), ""
    if not consumer.callback:
        said = "No callback uri defined for the OAuth client."
        return 400, _no("invalid_request", said), ""
    token = Token(secrets.token_urlsafe(48), "oauth", consumer.user, consumer.scopes)
    token.until = site.moments.now() + LASTS
    site.state.tokens[token.secret] = token
    body = {
        "access_token": token.secret,
        "scopes": " ".join(sorted(consumer.scopes)),
        "expires_in": int(LASTS.total_seconds()),
        "token_type": "bearer",
        "refresh_token": secrets.token_urlsafe(12),
        "state": "client_credentials",
    }
    return 200, body, site.state.users[consumer.user].nickname


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
