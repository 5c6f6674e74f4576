"""From the 12 digits that the product gives to the full id of a pull request's head."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from intakebot.forges.bitbucket_cloud.activity import Activity
from intakebot.forges.bitbucket_cloud.http import Api
from intakebot.forges.bitbucket_cloud.remembered import Remembered
from intakebot.forges.bitbucket_cloud.shapes import text
from intakebot.repo.git import OBJECT_ID

# `tips(url, branch)`: the branch's commit as git serves it now, None where there is no such
# branch. Raises repo.mirror.Unreadable where the bot may not read the repository.
Tips = Callable[[str, str], str | None]
PullKey = tuple[str, int]  # repository id, number

UNKNOWN = "0" * 40  # git's own word for no commit; it equals no head and no word's commit


class SeenHeads:
    """Full ids that were a source branch's tip while an entry of the activity was the newest.

    Without this memory, older heads are merely unknown.
    """

    def __init__(self) -> None:
        self.pulls: Remembered[PullKey, Mapping[int, str]] = Remembered()

    def of(self, pull: PullKey) -> Mapping[int, str]:
        return self.pulls.get(pull) or {}

    def learn(self, pull: PullKey, activity: Activity, tip: str) -> None:
        """The first id that was seen for an entry stays: another one came by another push."""
        if activity.steps and tip.startswith(activity.steps[-1].short):
            self.pulls.set(pull, {activity.steps[-1].seq: tip, **self.of(pull)})


def is_tip(short: str, tip: str | None) -> bool:
    """Whether a branch's tip may be the commit with these digits."""
    return bool(short and tip and OBJECT_ID.match(tip) and tip.startswith(short))


def remembered(activity: Activity, seen: Mapping[int, str], short: str) -> str | None:
    """The full id that was the tip at the newest entry, when that still is the head."""
    if not activity.steps or activity.steps[-1].short != short:
        return None
    return seen.get(activity.steps[-1].seq)


def looked_up(api: Api, places: Iterable[str], short: str) -> str:
    """The commit with these digits in the first of the repositories that has one, else UNKNOWN.

    Never kept, and never what a review was for: 48 bits can be collided at will, and which of
    two such commits the product names is its own choice. It serves to show and to fetch alone.
    """
    for place in places if short else ():
        answer = api.ask("GET", f"{place}/commit/{short}", accept=(403, 404))
        found = text(answer.body, "hash")
        if answer.status == 200 and is_tip(short, found):
            return found
    return UNKNOWN
