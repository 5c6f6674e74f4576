"""Calls an hour: for everything below /repositories, each token counted for itself."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.state import Token

USUAL = 1_000
RESOURCE = "api_repository"
_HOUR = timedelta(hours=1)
_NEAR = 0.8  # of the limit


@dataclass(slots=True)
class Limits:
    """`limit` for all tokens; `of` for single ones, by their secret."""

    limit: int = USUAL
    of: dict[str, int] = field(default_factory=dict)
    _calls: dict[str, deque[datetime]] = field(default_factory=dict)

    def used(self, token: Token) -> int:
        return len(self._calls.get(token.secret, ()))

    def count(self, token: Token | None, path: str, now: datetime) -> dict[str, str]:
        """The headers to answer with: only access tokens are told. Raises Refusal 429."""
        if not path.startswith("/repositories") or token is None:
            return {}
        calls = self._calls.setdefault(token.secret, deque())
        while calls and calls[0] <= now - _HOUR:
            calls.popleft()
        limit = self.of.get(token.secret, self.limit)
        if len(calls) >= limit:
            raise Refusal(429, "Rate limit for this resource has been exceeded")
        calls.append(now)
        if token.kind != "access":
            return {}
        return {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Resource": RESOURCE,
            "X-RateLimit-NearLimit": str(len(calls) > limit * _NEAR).lower(),
        }
