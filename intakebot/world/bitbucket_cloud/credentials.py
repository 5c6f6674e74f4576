"""Tells who is calling. App passwords are a thing of the past: 401."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.state import State, Token

API_GIT_USER = "x-bitbucket-api-token-auth"
ACCESS_GIT_USER = "x-token-auth"
_BEARERS = ("access", "oauth")
_EXPIRED = "Access token expired. Use your refresh token to obtain a new access token."
_UNKNOWN = "Token is invalid, expired, or not supported for this endpoint."


def for_api(state: State, header: str, now: datetime) -> Token | None:
    """None for nobody in particular; Refusal 401 for a credential that proves nothing."""
    scheme, _, rest = header.partition(" ")
    match scheme.lower():
        case "":
            return None
        case "bearer":
            return _good(state, rest.strip(), _BEARERS, now)
        case "basic":
            email, secret = pair(rest)
            token = _good(state, secret, ("api",), now)
            if state.users[token.user].email.lower() != email.lower():
                raise Refusal(401, _UNKNOWN)
            return token
    raise Refusal(401, _UNKNOWN)


def for_git(state: State, header: str, now: datetime) -> Token | None:
    scheme, _, rest = header.partition(" ")
    if not scheme:
        return None
    if scheme.lower() != "basic":
        raise Refusal(401, _UNKNOWN)
    user, secret = pair(rest)
    if user == ACCESS_GIT_USER:
        return _good(state, secret, _BEARERS, now)
    token = _good(state, secret, ("api",), now)
    if user not in (API_GIT_USER, state.users[token.user].nickname):
        raise Refusal(401, _UNKNOWN)
    return token


def pair(encoded: str) -> tuple[str, str]:
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refusal(401, _UNKNOWN) from error
    return name, secret


def _good(state: State, secret: str, kinds: tuple[str, ...], now: datetime) -> Token:
    token = state.tokens.get(secret)
    if token is None or token.revoked or token.kind not in kinds:
        raise Refusal(401, _UNKNOWN)
    if token.until is not None and now >= token.until:
        raise Refusal(401, _EXPIRED)
    return token


def has_scope(token: Token, scope: str) -> bool:
    """No scope implies another one: a token that writes and reads was given both."""
    return not scope or scope in token.scopes
