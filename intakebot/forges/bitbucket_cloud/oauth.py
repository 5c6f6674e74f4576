"""Access tokens of OAuth consumers, by the grant of client credentials (RFC 6749, 4.4).

They last about two hours and are kept in memory alone. Several may hold at once, so that each
process has its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from intakebot import log
from intakebot.core.escape import visible
from intakebot.forges.bitbucket_cloud import advice
from intakebot.forges.bitbucket_cloud.answers import parsed
from intakebot.forges.bitbucket_cloud.words import Token
from intakebot.model import OperatorError, TryLater

PLACE = "/site/oauth2/access_token"
RENEW = timedelta(minutes=10)  # before its end: a fetch by git must not outlive its token
TIMEOUT = (5, 30)  # seconds to connect, to answer


@dataclass(frozen=True, slots=True)
class _Granted:
    token: Token
    renew_at: datetime
    until: datetime


class Consumers:
    """`site` is where people look, without a trailing slash; the token is granted below it."""

    def __init__(self, site: str, now: Callable[[], datetime]) -> None:
        self.url = site.rstrip("/") + PLACE
        self.now = now
        self.lock = Lock()
        self.granted: dict[str, _Granted] = {}

    def token(self, key: str, secret: str, origin: str) -> Token:
        """Raises OperatorError when the product refuses this consumer, TryLater when it can't
        answer and there is no token that still holds."""
        name = hashlib.sha256(f"{key} {secret}".encode()).hexdigest()
        with self.lock:
            had = self.granted.get(name)
            if had is not None and self.now() < had.renew_at:
                return had.token
            try:
                found = self._ask(key, secret, origin, lambda: self._forget(name))
            except TryLater as error:
                if had is None or self.now() >= had.until:
                    raise
                log.warning("OAuth token not renewed yet", origin=origin, why=str(error))
                return had.token
            self.granted = {name: found, **self._others(name)}
            return found.token

    def _others(self, name: str) -> dict[str, _Granted]:
        """Those of other consumers that still hold; a rotated secret leaves one behind."""
        kept = self.granted.items()
        return {one: held for one, held in kept if one != name and self.now() < held.until}

    def _forget(self, name: str) -> None:
        """The product knows it no longer: the next question asks for another one."""
        with self.lock:
            self.granted.pop(name, None)

    def _ask(self, key: str, secret: str, origin: str, forget: Callable[[], None]) -> _Granted:
        asked_at = self.now()
        status, body = self._answer(key, secret)
        if status in (400, 401, 403):
            raise OperatorError(advice.refused_consumer(origin, f"{status} {_reason(body)}"))
        text, seconds = body.get("access_token"), body.get("expires_in")
        if status != 200 or not isinstance(text, str) or not isinstance(seconds, int):
            raise TryLater(f"Bitbucket Cloud granted no OAuth token ({status})", after=15)
        token = Token("oauth", "", text, origin, key=key, forget=forget)
        lasts = timedelta(seconds=seconds)
        return _Granted(token, asked_at + lasts - min(RENEW, lasts / 2), asked_at + lasts)

    def _answer(self, key: str, secret: str) -> tuple[int, Mapping[str, Any]]:
        grant = {"grant_type": "client_credentials"}
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy or netrc of the machine comes between
                answer = session.post(
                    self.url,
                    data=grant,
                    auth=(key, secret),
                    timeout=TIMEOUT,
                    allow_redirects=False,
                )
        except (requests.RequestException, HTTPError) as error:
            kind = type(error).__name__
            raise TryLater(f"Bitbucket Cloud does not answer POST {PLACE} ({kind})") from error
        body = parsed(answer.content)
        return answer.status_code, body if isinstance(body, Mapping) else {}


def _reason(body: Mapping[str, Any]) -> str:
    """RFC 6749, 5.2: a word, and perhaps a sentence."""
    said = (body.get("error"), body.get("error_description"))
    return visible(" ".join(one for one in said if isinstance(one, str)), 300)
