"""What an operator should know before it hurts, from what is at hand: no forge is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from intakebot.flow.connect_words import Check, Purpose
from intakebot.forges.bitbucket_cloud.http import Api
from intakebot.forges.bitbucket_cloud.pace import slower
from intakebot.model import OperatorError


def look(apis: Mapping[Purpose, Api]) -> Iterator[Check]:
    """`apis` are those of Bitbucket Cloud that the house works with, by what their token is for."""
    for purpose, api in apis.items():
        try:
            yield calls_left(purpose, api)
        except OperatorError as error:
            yield Check("fail", f"{purpose} token", str(error))


def calls_left(purpose: Purpose, api: Api) -> Check:
    """Of this hour, as all processes of the house have counted. Raises OperatorError for a token
    that can't be read."""
    token = api.tokens("read")
    left, limit = api.allowance.left(token), api.allowance.limit(token)
    about = f"calls left of the {purpose} token"
    what = f"{left} of the {limit} REST calls of this hour"
    times = slower(left, limit)
    if times == 1:
        return Check("ok", about, what)
    cure = "it passes within the hour; if it comes again, look for who else uses this account"
    return Check("warn", about, f"{what}; lists are read {times} times less often", cure)
