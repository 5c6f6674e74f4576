"""What the contract suite needs of a world: people who act in it, and ways for it to go wrong.

A forge's bench joins its plug, as it is wired for production, to a server that keeps state. Ada
reads the main repository and works in a fork of her own, Wim may write to it, Eve has an account
and no permission, the bot is the plug's own account.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from intakebot.forges.api import Forge
from intakebot.model import Permission, Pull
from tests.forges.clock import Clock

Who = Literal["ada", "wim", "eve", "bot"]
BuildState = Literal["pending", "success", "failure"]
Opinion = Literal["approved", "changes_requested"]

# How an answer goes wrong: the limit of calls with a Retry-After of LIMITED_FOR, a 503, a page
# for people with 200 or with 404, JSON that ends in the middle, an object that says nothing, no
# answer at all.
Way = Literal["limited", "down", "html", "404-page", "half", "nothing", "cut"]
NOT_NOW: Sequence[Way] = ("limited", "down", "html", "half", "cut")
NO_ANSWER: Sequence[Way] = ("404-page", "nothing")  # of the forge's
LIMITED_FOR = 33  # seconds
PAGE_FOR_PEOPLE = "<!DOCTYPE html><html><title>Down for maintenance</title></html>"
HALF = '{"values": [{"id": 1'

# Which of the plug's requests: those that read, change something, or ask for a permission.
On = Literal["reads", "writes", "permissions"]


class Bench(Protocol):
    """Numbers are of pull requests, ids the forge's own."""

    forge: Forge
    repo_id: str
    clock: Clock
    page: int  # pull requests on one page of a list
    comments_page: int  # the same of comments; 1 where they come all at once
    cure: str  # a pattern: what the operator of a refused credential must be told

    # What people do.

    def id_of(self, who: Who) -> str: ...

    def sign_in(self, who: Who) -> tuple[str, str]:
        """Login and token, as this person would sign in with."""

    def grants(self, who: Who, level: Permission) -> None: ...

    def opens(self, branch: str = "banner", *, title: str = "A banner", draft: bool = False) -> int:
        """Ada's pull request from her fork."""

    def opens_from_main(self, branch: str) -> int:
        """Wim's, from a branch of the main repository itself."""

    def multiply(self, count: int) -> None:
        """So many more open pull requests."""

    def pushes(self, branch: str = "banner") -> str:
        """One more commit by Ada; the new head."""

    def branch(self, name: str) -> None:
        """One more branch of the main repository, for pull requests to go to."""

    def says(self, who: Who, number: int, text: str, *, reply_to: str = "") -> str:
        """The new comment's id."""

    def edits(self, number: int, comment: str, text: str) -> None:
        """Ada's own."""

    def deletes(self, number: int, comment: str) -> None:
        """By somebody who may delete anybody's."""

    def reviews(self, number: int, opinion: Opinion | None) -> None:
        """Wim's, by the forge's own buttons; None takes it back."""

    def retitles(self, number: int, title: str) -> None: ...

    def retargets(self, number: int, target: str) -> None: ...

    def drafts(self, number: int) -> None: ...

    def closes(self, number: int) -> None: ...

    def builds(self, commit: str, name: str, state: BuildState) -> None:
        """Wim's token says it beside a commit of the main repository."""

    def lands(self, number: int) -> None:
        """Its head becomes the tip of `main`."""

    def loses_fork(self) -> None:
        """Ada's fork is gone."""

    # What people see.

    def head(self, branch: str = "banner") -> str:
        """The tip of the fork's branch."""

    def shown(self, number: int, comment: str) -> str:
        """A comment's text as somebody would copy it, with what marks it as the bot's."""

    def reports(self) -> Sequence[tuple[str, int]]:
        """(title, count of findings) of each report in the main repository."""

    def remarks(self, commit: str) -> Sequence[str]:
        """What stands beside a commit of the main repository."""

    def acts_on(self, text: str) -> list[str]:
        """What this forge makes of a comment besides plain words, in order."""

    # The plug, another way.

    def fresh(self) -> Forge:
        """One that has seen nothing, as in another process."""

    def refused(self) -> Forge:
        """One whose credentials the forge does not know."""

    def secrets_shown(self) -> set[str]:
        """The bot's tokens that its requests to the API have carried."""

    # Going wrong.

    def fails(self, way: Way, on: On) -> None:
        """Each such request, until `recovers`; nothing is done."""

    def loses_answer(self) -> None:
        """The next write is done, and nobody hears of it."""

    def lags(self) -> None:
        """Reads show everything as it is now, until `recovers`."""

    def recovers(self) -> None: ...


def read(bench: Bench, number: int) -> Pull:
    found = bench.forge.pull(bench.repo_id, number)
    assert found is not None
    return found
