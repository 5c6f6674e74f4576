"""Signing in at Bitbucket's own pages: OAuth's authorization code (RFC 6749, 4.1).

The consumer needs no right but to read the account. The token that proves who somebody is serves
for that one question and is kept nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import HTTPError

from intakebot.core.escape import visible
from intakebot.credentials import Secret
from intakebot.forges.bitbucket_cloud import advice, people
from intakebot.forges.bitbucket_cloud.http import TIMEOUT, Api
from intakebot.forges.bitbucket_cloud.oauth import PLACE
from intakebot.forges.bitbucket_cloud.people import Me
from intakebot.forges.bitbucket_cloud.words import Token
from intakebot.model import Account, OperatorError, TryLater

if TYPE_CHECKING:
    from authlib.integrations.requests_client import OAuth2Session

ASK_AT = "/site/oauth2/authorize"


class BitbucketSignIn:
    """`site` is where people look, without a trailing slash; `consumer` is read anew each time."""

    title = "Bitbucket"

    def __init__(self, site: str, consumer: Callable[[], Secret], api: Api, me: Me) -> None:
        self.site = site.rstrip("/")
        self.consumer = consumer
        self.api = api
        self.me = me

    def leave(self, state: str, back: str) -> str:
        with self._session(self.consumer(), back) as session:
            url, _ = session.create_authorization_url(self.site + ASK_AT, state=state)
        return str(url)

    def account(self, code: str, back: str) -> Account | None:
        from authlib.integrations.base_client import OAuthError

        consumer = self.consumer()
        try:
            with self._session(consumer, back) as session:
                token = session.fetch_token(
                    self.site + PLACE,
                    grant_type="authorization_code",
                    code=code,
                    timeout=TIMEOUT,
                    allow_redirects=False,
                )
        except OAuthError as error:
            if error.error == "invalid_grant":
                return None  # the code: used, too old, or made up
            said = visible(f"{error.error} {error.description or ''}", 300)
            raise OperatorError(advice.refused_sign_in(consumer.origin, back, said)) from error
        except (requests.RequestException, HTTPError, ValueError) as error:
            kind = type(error).__name__
            raise TryLater(f"Bitbucket Cloud does not answer POST {PLACE} ({kind})") from error
        secret = token.get("access_token")
        if not isinstance(secret, str):
            raise TryLater("Bitbucket Cloud granted no OAuth token", after=15)
        return people.behind(self.api, self.me, Token("oauth", "", secret))

    def _session(self, consumer: Secret, back: str) -> OAuth2Session:
        # Who lets nobody sign in so has no need of Authlib and all that it loads.
        from authlib.integrations.requests_client import OAuth2Session

        if not consumer.key:
            raise OperatorError(f"{consumer.origin}: signing in needs a consumer, not a token")
        session = OAuth2Session(consumer.key, consumer.text, redirect_uri=back)
        session.trust_env = False  # no proxy or netrc of the machine comes between
        return session
