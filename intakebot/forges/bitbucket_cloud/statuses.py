"""The bot's build status beside a head, and where the product takes it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from intakebot.forges.api import Refused
from intakebot.forges.bitbucket_cloud.heads import UNKNOWN, PullKey
from intakebot.forges.bitbucket_cloud.http import Api, reason
from intakebot.forges.bitbucket_cloud.remembered import Remembered
from intakebot.forges.bitbucket_cloud.shapes import text
from intakebot.model import Build, Pull, Status
from intakebot.repo.git import full_id

WORDS: Mapping[Literal["pending", "success", "failure"], str] = {
    "pending": "INPROGRESS",
    "success": "SUCCESSFUL",
    "failure": "FAILED",
}


OWN = re.compile(r"intakebot-[0-9]+")


def key(number: int) -> str:
    """Two pull requests may have one head, and each has a status of its own."""
    return f"intakebot-{number}"


class Statuses:
    """A fork's commit may be known in the fork alone: remembers in which repository it went, and
    for which head nobody took it."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.taken: Remembered[PullKey, str] = Remembered()
        self.refused: Remembered[PullKey, tuple[str, str]] = Remembered()

    def read(self, pull: PullKey, places: Sequence[str], head: str) -> Status | None:
        if head == UNKNOWN or self._refusal(pull, head):
            return None
        for place in self._first_the_known(pull, places):
            path = f"{place}/commit/{head}/statuses/build/{key(pull[1])}"
            answer = self.api.ask("GET", path, accept=(403, 404))
            if answer.status == 200:
                self.taken.set(pull, place)
                return _status(answer.body)
            if place == self.taken.get(pull):
                return None  # it is where an older head has its own
        return None

    def write(self, pull: Pull, places: Sequence[str], head: str, status: Status) -> None:
        """Raises Refused where no repository takes it, without asking again for the same head."""
        mark = (pull.repo.id, pull.number)
        if head == UNKNOWN:
            raise Refused("the head's full id is not known, so no status can be put beside it")
        if why := self._refusal(mark, head):
            raise Refused(why)
        body = _body(pull, status)
        said = []
        for place in self._first_the_known(mark, places):
            path = f"{place}/commit/{head}/statuses/build"
            answer = self.api.ask("POST", path, body, accept=(403, 404))
            if answer.status not in (403, 404):
                self.taken.set(mark, place)
                return
            said.append(f"{answer.status} {reason(answer)}".rstrip())
        why = f"Bitbucket Cloud takes no status beside {head[:12]}: {'; '.join(said)}"
        self.refused.set(mark, (head, why))
        raise Refused(why)

    def others(self, repository: str, commit: str) -> list[Build]:
        """Build statuses that are not the bot's; STOPPED counts as failed. None beside a commit
        that is gone, as those of a fork that was deleted are."""
        path = f"{repository}/commit/{full_id(commit)}/statuses?pagelen=100"
        found = self.api.pages(path, may_lack=True)
        return [_build(one) for one in found if not OWN.fullmatch(text(one, "key"))]

    def _refusal(self, pull: PullKey, head: str) -> str:
        known = self.refused.get(pull)
        return known[1] if known is not None and known[0] == head else ""

    def _first_the_known(self, pull: PullKey, places: Sequence[str]) -> list[str]:
        known = self.taken.get(pull)
        return sorted(places, key=lambda place: place != known)


def _body(pull: Pull, status: Status) -> Mapping[str, str]:
    """`refname` ties it to the pull request; without an address the product refuses it."""
    return {
        "type": "build",
        "key": key(pull.number),
        "state": WORDS[status.state],
        "name": "intakebot",
        "description": status.text,
        "url": status.url or pull.url,
        **({"refname": pull.source.branch} if pull.source else {}),
    }


def _status(found: object) -> Status:
    return Status(_state(found), text(found, "description"), text(found, "url"))


def _build(found: object) -> Build:
    said, url = text(found, "description"), text(found, "url")
    return Build(text(found, "key"), text(found, "name"), _state(found), said, url)


def _state(found: object) -> Literal["pending", "success", "failure"]:
    said = text(found, "state")
    return next((ours for ours, theirs in WORDS.items() if theirs == said), "failure")
