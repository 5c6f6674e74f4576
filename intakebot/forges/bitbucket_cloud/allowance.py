"""How many REST calls are left this hour, counted here: the product tells only some tokens."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from intakebot.forges.bitbucket_cloud.words import Token
from intakebot.model import TryLater

HOUR = timedelta(hours=1)  # the window rolls
USUAL = 1_000  # calls an hour and user, until an answer says otherwise
RESERVE = 0.1  # of the allowance; kept for what can't wait
HUSH = timedelta(minutes=5)  # after the product said that the limit is near
MOST_TOKENS = 20
SHORTEST_WAIT, LONGEST_WAIT = 10.0, 600.0  # seconds


@dataclass(slots=True)
class _Account:
    calls: deque[datetime] = field(default_factory=deque)
    limit: int = USUAL
    hushed_until: datetime | None = None


class Allowance:
    """Counts by token: a new token has an allowance of its own. One process sees its own calls."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.lock = Lock()
        self.accounts: dict[str, _Account] = {}

    def spend(self, token: Token) -> None:
        with self.lock:
            self._account(token).calls.append(self.now())

    def hear(self, token: Token, headers: Mapping[str, str]) -> None:
        """Only access tokens are told their limit and that it is near."""
        limit = headers.get("X-RateLimit-Limit", "")
        near = headers.get("X-RateLimit-NearLimit", "").lower() == "true"
        with self.lock:
            account = self._account(token)
            if limit.isascii() and limit.isdigit() and int(limit) > 0:
                account.limit = int(limit)
            if near:
                account.hushed_until = self.now() + HUSH

    def left(self, token: Token) -> int:
        with self.lock:
            account = self._account(token)
            return max(0, account.limit - len(account.calls))

    def limit(self, token: Token) -> int:
        with self.lock:
            return self._account(token).limit

    def check(self, token: Token) -> None:
        """Raises TryLater when a read that can wait should wait."""
        with self.lock:
            account, now = self._account(token), self.now()
            if account.hushed_until is not None and now < account.hushed_until:
                raise TryLater(
                    "Bitbucket Cloud says that the hour's calls are nearly used up",
                    after=_bounded(account.hushed_until - now),
                )
            over = len(account.calls) - int(account.limit * (1 - RESERVE))
            if over >= 0 and account.calls:
                free_at = account.calls[min(over, len(account.calls) - 1)] + HOUR
                raise TryLater(
                    f"{len(account.calls)} of {account.limit} Bitbucket Cloud calls of this hour "
                    "are used; the rest is kept for what can't wait",
                    after=_bounded(free_at - now),
                )

    def _account(self, token: Token) -> _Account:
        if len(self.accounts) > MOST_TOKENS:  # rotated away long ago
            self.accounts.clear()
        account = self.accounts.setdefault(token.fingerprint, _Account())
        while account.calls and account.calls[0] <= self.now() - HOUR:
            account.calls.popleft()
        return account


def _bounded(wait: timedelta) -> float:
    return min(max(wait.total_seconds(), SHORTEST_WAIT), LONGEST_WAIT)
