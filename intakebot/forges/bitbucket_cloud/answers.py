"""What an answer of Bitbucket Cloud means: a success, a "not now", or a refusal."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from intakebot.core.escape import visible
from intakebot.forges.bitbucket_cloud import advice
from intakebot.forges.bitbucket_cloud.words import Token
from intakebot.forges.http import retry_after
from intakebot.model import OperatorError, TryLater

AFTER_429 = 60.0  # seconds, when the answer does not say
AFTER_5XX = 15.0
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is what the JSON said, None when there was none."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


_NOT_JSON = object()


def parsed(text: bytes) -> Any:
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _NOT_JSON


def judged(answer: Answer, asked: str, accept: Collection[int], token: Token) -> Answer:
    status = answer.status
    if status in accept:
        return answer
    said = f"Bitbucket Cloud: {asked}: {status}"
    if status < 300:
        if answer.body is _NOT_JSON:
            raise TryLater(f"{said}, with something that is not JSON", after=AFTER_5XX)
        return answer
    if status == 429:
        wait = retry_after(answer.headers.get("Retry-After"), AFTER_429)
        raise TryLater(f"{said}, the limit of calls", after=wait)
    if status >= 500:  # 555 is the product's own word for "took too long"
        raise TryLater(said, after=AFTER_5XX)
    if status in (408, 409):
        raise TryLater(f"{said} {reason(answer)}".rstrip())
    if status == 401:
        raise OperatorError(advice.refused(token, f"{asked}: 401"))
    if status == 403:
        raise OperatorError(advice.forbidden(token, f"{asked}: 403", reason(answer)))
    raise OperatorError(f"{said} {reason(answer)}".rstrip())


def reason(answer: Answer) -> str:
    """The product's own sentence about a refusal, on one line; "" when it gave none."""
    body = answer.body
    error = body.get("error") if isinstance(body, Mapping) else None
    message = error.get("message") if isinstance(error, Mapping) else None
    return visible(str(message), 300) if message else ""


def one_object(answer: Answer, path: str) -> Json:
    if not isinstance(answer.body, Mapping):
        raise TryLater(f"Bitbucket Cloud answered {path} with something that is not an object")
    return answer.body


def values_of(page: object, path: str) -> list[Json]:
    """What a page of a list holds; a page without values is no empty one."""
    values = page.get("values") if isinstance(page, Mapping) else None
    if not isinstance(values, list):
        raise TryLater(f"Bitbucket Cloud answered {path} with something that is not a list")
    return [one for one in values if isinstance(one, Mapping)]
