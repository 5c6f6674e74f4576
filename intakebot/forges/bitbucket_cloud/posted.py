"""Which comments this process has made: the product keeps no keys of ours, and its lists lag."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from intakebot.forges.bitbucket_cloud.http import Api
from intakebot.forges.bitbucket_cloud.remembered import Remembered
from intakebot.forges.bitbucket_cloud.words import LAG
from intakebot.model import Pull, TryLater


class Posted:
    def __init__(self, api: Api, now: Callable[[], datetime]) -> None:
        self.api = api
        self.now = now
        self.made: Remembered[tuple[str, int, str], tuple[str, datetime]] = Remembered()

    def keep(self, pull: Pull, key: str, comment: str) -> None:
        self.made.set((pull.repo.id, pull.number, key), (comment, self.now()))

    def standing(self, pull: Pull, path: str, key: str) -> str | None:
        """The comment with this key, where we made one and nobody deleted it.

        Raises TryLater while the product does not show yet what it took.
        """
        made = self.made.get((pull.repo.id, pull.number, key))
        if made is None:
            return None
        comment, at = made
        found = self.api.find(f"{path}/comments/{comment}")
        if found is not None:
            return None if found.get("deleted") else comment
        if self.now() - at < LAG:
            raise TryLater(f"Bitbucket Cloud does not show comment {comment} yet, which it took")
        return None
