"""Reads one pull request whole: itself, its activity, its comments, the bot's status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from intakebot.forges.bitbucket_cloud import activity as order
from intakebot.forges.bitbucket_cloud.allowance import LOOKS_LEAVE
from intakebot.forges.bitbucket_cloud.comments import read_comments
from intakebot.forges.bitbucket_cloud.heads import SeenHeads, Tips, is_tip, looked_up, remembered
from intakebot.forges.bitbucket_cloud.http import Api
from intakebot.forges.bitbucket_cloud.places import Forks
from intakebot.forges.bitbucket_cloud.shapes import Json, Place, account, moment, part, place, text
from intakebot.forges.bitbucket_cloud.statuses import Statuses
from intakebot.forges.bitbucket_cloud.whole import Parts, opinions, state_of, whole
from intakebot.forges.bitbucket_cloud.words import LAG, Connection, repository_path
from intakebot.model import Account, OperatorError, Pull, PullState, Repo, TryLater
from intakebot.repo.mirror import Unreadable

LONG_LIST = "pagelen=50"  # more is refused in places


@dataclass(frozen=True, slots=True)
class Reader:
    """`describe` makes the Repo of a connection under its full name of now."""

    api: Api
    git_url: str
    tips: Tips
    now: Callable[[], datetime]
    me: Callable[[], Account]
    describe: Callable[[Connection, str], Repo]
    seen: SeenHeads
    statuses: Statuses
    forks: Forks

    def pull(self, connection: Connection, number: int) -> Pull | None:
        path = f"{connection.path}/pullrequests/{number}"
        found = self.api.find(path, leave=LOOKS_LEAVE)
        if found is None:
            self._must_be_readable(connection)
            return None
        main = place(part(found, "destination", "repository"), self.git_url)
        if main is None or main.id != connection.repo_id:
            raise OperatorError(
                f"Bitbucket Cloud shows pull request {number} of {connection.name} without that "
                "repository; connect it again"
            )
        return whole(self._parts(connection, found, main, path), self.git_url)

    def _parts(self, connection: Connection, found: Json, main: Place, path: str) -> Parts:
        bot = self.me()
        origin = place(part(found, "source", "repository"), self.git_url)
        tip, readable = self._tip(found, origin, main)
        activity = order.read_activity(self.api.pages(f"{path}/activity?{LONG_LIST}"))
        self._catch_up(found, activity, bot)
        places = _places(connection, origin if readable else None)
        mark = (main.id, found["id"])
        head = self._head(found, activity, tip, mark, places)
        return Parts(
            found=found,
            repo=self.describe(connection, main.full_name),
            main=main,
            origin=origin,
            fork=self._fork(connection, found, origin),
            readable=readable,
            head=head,
            activity=activity,
            seen=self.seen.of(mark),
            comments=read_comments(self.api.pages(f"{path}/comments?{LONG_LIST}"), bot.id),
            status=self.statuses.read(mark, places, head),
            bot=bot,
        )

    def _tip(self, found: Json, origin: Place | None, main: Place) -> tuple[str | None, bool]:
        """The source branch's commit, and whether the bot may read the repository it is in."""
        branch = text(found, "source", "branch", "name")
        if origin is None or not branch:
            return None, True
        try:
            return self.tips(origin.clone_url(self.git_url), branch), True
        except Unreadable:
            if origin.id == main.id:
                raise
            return None, False

    def _head(
        self,
        found: Json,
        activity: order.Activity,
        tip: str | None,
        mark: tuple[str, int],
        places: list[str],
    ) -> str:
        """The full id: the branch's tip, else what was the tip at this entry, else looked up."""
        short = text(found, "source", "commit", "hash")
        if tip is not None and is_tip(short, tip):
            self.seen.learn(mark, activity, tip)
            return tip
        known = remembered(activity, self.seen.of(mark), short)
        return known or looked_up(self.api, list(reversed(places)), short)

    def _catch_up(self, found: Json, activity: order.Activity, bot: Account) -> None:
        """Give a lagging activity a moment before what it does not tell yet counts for nothing."""
        if state_of(found) is not PullState.OPEN:
            return
        short = text(found, "source", "commit", "hash")
        target = text(found, "destination", "branch", "name")
        if not order.agrees(activity, short, target) and self._is_recent(
            moment(found, "updated_on")
        ):
            raise TryLater("Bitbucket Cloud's activity does not tell of the newest push yet", 3)
        for one in opinions(found):
            missing = one.by.id != bot.id and order.entry_of(activity, one) is None
            if missing and self._is_recent(one.at):
                raise TryLater("Bitbucket Cloud's activity does not tell of a review yet", 3)

    def _is_recent(self, at: datetime | None) -> bool:
        return at is not None and abs(self.now() - at) < LAG

    def _fork(self, connection: Connection, found: Json, origin: Place | None) -> Place | None:
        """The author's own copy; looked for only to tell them where to move an open change."""
        if origin is None or origin.id != connection.repo_id:
            return origin
        if state_of(found) is not PullState.OPEN:
            return None
        return self.forks.of(connection.path, account(part(found, "author")))

    def _must_be_readable(self, connection: Connection) -> None:
        """The product says 404 also for what a token may not see."""
        if self.api.find(connection.path) is None:
            raise OperatorError(
                f"Bitbucket Cloud shows the bot no repository {connection.name} "
                f"({connection.repo_id}); give the bot's account access to it, or disconnect it"
            )


def _places(connection: Connection, origin: Place | None) -> list[str]:
    """REST paths of the repositories that may know the head: main one first."""
    if origin is None or origin.id == connection.repo_id:
        return [connection.path]
    return [connection.path, repository_path(origin.workspace, origin.id)]
