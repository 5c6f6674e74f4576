"""How often the lists of open pull requests may be read, so that the hour's calls last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from intakebot import log
from intakebot.forges.bitbucket_cloud.http import Api
from intakebot.forges.bitbucket_cloud.words import Connection

FASTEST = timedelta(minutes=2)
FOR_LISTS = 0.5  # of the hour's calls; looks and what they write need the rest
A_PAGE = 50
PLENTY = 0.5  # of the hour's calls left: an operator's own pace then holds as it is
SLOWER = ((0.20, 4), (0.35, 2))  # below this share of calls left, so many times slower


class Pace:
    """Ten repositories with sixty open ones each are twenty calls a round: one in 144 seconds.

    `own` is an operator's pace, for small installations and for tests.
    """

    def __init__(
        self,
        api: Api,
        connected: Callable[[], Sequence[Connection]],
        own: timedelta | None = None,
    ) -> None:
        self.api = api
        self.connected = connected
        self.own = own
        self.pages: dict[str, int] = {}
        self.slower = 1

    def note(self, repo_id: str, listed: int) -> None:
        """A list of so many pull requests was read."""
        self.pages[repo_id] = max(1, -(-listed // A_PAGE))

    def every(self) -> timedelta:
        token = self.api.tokens("read")
        limit, left = self.api.allowance.limit(token), self.api.allowance.left(token)
        self._slow_down(slower(left, limit), left, limit)
        if self.own is not None and left > limit * PLENTY:
            return self.own
        calls = sum(self.pages.get(one.repo_id, 1) for one in self.connected())
        lasting = max(self.own or FASTEST, timedelta(hours=calls / (limit * FOR_LISTS)))
        return lasting * self.slower

    def _slow_down(self, times: int, left: int, limit: int) -> None:
        """Says so once, and once more when it is over."""
        if times != self.slower:
            tell = log.warning if times > self.slower else log.info
            tell("pace of looking round", slower=times, calls_left=left, limit=limit)
        self.slower = times


def slower(left: int, limit: int) -> int:
    """How many times slower lists are read with so many calls left."""
    return next((times for share, times in SLOWER if left < limit * share), 1)
