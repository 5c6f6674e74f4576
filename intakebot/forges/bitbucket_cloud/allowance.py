"""How many REST calls are left this hour, counted here: the product tells only some tokens."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol

from intakebot.forges.bitbucket_cloud.words import Token
from intakebot.model import TryLater

HOUR = timedelta(hours=1)  # the window rolls
USUAL = 1_000  # calls an hour and user, until an answer says otherwise
# Shares of the hour's calls that must be left for what can wait less.
PAST_LEAVES = 0.5  # to everything that is of today
LISTS_LEAVE = 0.1  # to the looks at what is known to have changed
LOOKS_LEAVE = 0.04  # to what a look that has begun, or a landing, still has to write
HUSH = timedelta(minutes=5)  # after the product said that the limit is near
SHORTEST_WAIT, LONGEST_WAIT = 10.0, 600.0  # seconds


@dataclass(frozen=True, slots=True)
class Spent:
    """Calls that were made by `at`. `limit` is what an answer told, 0 for nothing; `near`
    whether one told that the limit is near."""

    at: datetime
    calls: int = 0
    limit: int = 0
    near: bool = False


class Ledger(Protocol):
    """Remembers calls under a name (`Token.counted_by`), perhaps those of other processes too.

    Neither raises nor waits: it is asked at every call.
    """

    def add(self, name: str, spent: Spent) -> None: ...

    def last_hour(self, name: str) -> Sequence[Spent]:
        """Oldest first."""


class OwnCalls:
    """Those of this process alone, to the microsecond."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.lock = Lock()
        self.spent: dict[str, deque[Spent]] = defaultdict(deque)

    def add(self, name: str, spent: Spent) -> None:
        with self.lock:
            self._of_last_hour(name).append(spent)

    def last_hour(self, name: str) -> Sequence[Spent]:
        with self.lock:
            return tuple(self._of_last_hour(name))

    def _of_last_hour(self, name: str) -> deque[Spent]:
        kept = self.spent[name]
        while kept and kept[0].at <= self.now() - HOUR:
            kept.popleft()
        return kept


class Allowance:
    """Counts as the product does: by user, or by access token."""

    def __init__(self, now: Callable[[], datetime], ledger: Ledger | None = None) -> None:
        self.now = now
        self.ledger = ledger or OwnCalls(now)

    def spend(self, token: Token) -> None:
        self.ledger.add(token.counted_by, Spent(self.now(), calls=1))

    def hear(self, token: Token, headers: Mapping[str, str]) -> None:
        """Only access tokens are told their limit and that it is near."""
        told = headers.get("X-RateLimit-Limit", "")
        limit = int(told) if told.isascii() and told.isdigit() else 0
        near = headers.get("X-RateLimit-NearLimit", "").lower() == "true"
        if near or limit:
            self.ledger.add(token.counted_by, Spent(self.now(), limit=limit, near=near))

    def left(self, token: Token) -> int:
        spent = self.ledger.last_hour(token.counted_by)
        return max(0, _limit(spent) - _calls(spent))

    def limit(self, token: Token) -> int:
        return _limit(self.ledger.last_hour(token.counted_by))

    def check(self, token: Token, leave: float) -> None:
        """Raises TryLater when a call that has to leave such a share of the hour's should wait."""
        spent, now = self.ledger.last_hour(token.counted_by), self.now()
        hushed_until = max((one.at + HUSH for one in spent if one.near), default=now)
        if now < hushed_until and leave >= LISTS_LEAVE:  # near is not at: looks go on
            raise TryLater(
                "Bitbucket Cloud says that the hour's calls are nearly used up",
                after=_bounded(hushed_until - now),
            )
        calls, limit = _calls(spent), _limit(spent)
        over = calls - int(limit * (1 - leave))
        if over >= 0 and calls:
            raise TryLater(
                f"{calls} of {limit} Bitbucket Cloud calls of this hour are used; the rest is "
                "kept for what can't wait",
                after=_bounded(_free_at(spent, over + 1) - now),
            )


def _calls(spent: Sequence[Spent]) -> int:
    return sum(one.calls for one in spent)


def _limit(spent: Sequence[Spent]) -> int:
    return next((one.limit for one in reversed(spent) if one.limit), USUAL)


def _free_at(spent: Sequence[Spent], calls: int) -> datetime:
    """When so many of the oldest calls are an hour old."""
    for one in spent:
        calls -= one.calls
        if calls <= 0:
            return one.at + HOUR
    return spent[-1].at + HOUR


def _bounded(wait: timedelta) -> float:
    return min(max(wait.total_seconds(), SHORTEST_WAIT), LONGEST_WAIT)
