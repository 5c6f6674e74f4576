"""Asks the Git forge's JSON API, and says what each refusal means."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import requests

from intakebot.forges.git.shapes import Json
from intakebot.forges.http import new_session, retry_after
from intakebot.model import OperatorError, TryLater

TIMEOUT = (5, 30)  # seconds to connect, to answer
AFTER_429 = 60.0  # seconds, when the answer does not say
AFTER_5XX = 15.0
Auth = tuple[str, str]  # login, token


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` raises TryLater for what it lacks: a half answer is none."""

    status: int
    body: Json

    @property
    def error(self) -> str:
        """The forge's own sentence about a refusal; "" when it gave none."""
        return str(self.body.get("error") or "")


class Api:
    """`url` is the forge's base address; `auth` is shown where a request names no other."""

    def __init__(self, url: str, auth: Auth) -> None:
        self.url = url
        self.auth = auth
        self.session = new_session()

    def get(self, path: str) -> Json:
        return self.ask("GET", path).body

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        accept: Collection[int] = (),
        auth: Auth | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request. Statuses in `accept` come back like a success; all others raise."""
        try:
            response = self.session.request(
                method,
                self.url + path,
                json=body,
                auth=auth or self.auth,
                headers=dict(headers or {}),
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            kind = type(error).__name__
            raise TryLater(
                f"the Git forge at {self.url} does not answer ({kind}); is it running?"
            ) from error
        said = f"the Git forge: {method} {path}: {response.status_code}"
        if response.status_code not in accept:
            _judge(response, said)
        answer = Answer(response.status_code, _object(response, said))
        if answer.status >= 300 and answer.status not in accept:
            raise OperatorError(f"{said} {answer.error}".rstrip())
        return answer


def _judge(response: requests.Response, said: str) -> None:
    """Raises for "not now" and for a credential that is refused."""
    status = response.status_code
    if status in (401, 403):
        raise OperatorError(
            f"the Git forge refuses the bot: {said}; check the GIT_*_TOKEN settings"
        )
    if status >= 500 or status == 429:
        usual = AFTER_429 if status == 429 else AFTER_5XX
        raise TryLater(said, after=retry_after(response.headers.get("Retry-After"), usual))
    if status == 409:
        raise TryLater(said)


def _object(response: requests.Response, said: str) -> Json:
    """The forge says everything in JSON objects, refusals too; what else comes is not its word."""
    if response.status_code == 204:
        return {}
    try:
        found = json.loads(response.content, object_hook=_Told)
    except (ValueError, RecursionError) as error:
        raise TryLater(f"{said}, with something that is not JSON", after=AFTER_5XX) from error
    if not isinstance(found, dict):
        raise TryLater(f"{said}, with something that is not an object", after=AFTER_5XX)
    return found


class _Told(dict[str, Any]):
    def __missing__(self, key: str) -> NoReturn:
        raise TryLater(f"the Git forge's answer lacks {key!r}", after=AFTER_5XX)
