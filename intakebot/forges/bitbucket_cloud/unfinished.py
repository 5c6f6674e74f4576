"""The bot's build statuses that say that something is to come, for when nothing will.

The product has no way to delete a status; one that is in progress would say so for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from intakebot.forges.bitbucket_cloud.http import Api, Json
from intakebot.forges.bitbucket_cloud.shapes import part, place, text
from intakebot.forges.bitbucket_cloud.statuses import WORDS, key
from intakebot.forges.bitbucket_cloud.words import repository_path

SAID = "intakebot no longer looks at this repository"


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Of one pull request's head; `path` is the status's own, perhaps in the author's fork."""

    number: int
    path: str
    url: str


def unfinished(api: Api, repository: str) -> Iterator[Unfinished]:
    """On open pull requests; `repository` is its path. A call for each, and one for the list."""
    for pull in api.pages(f"{repository}/pullrequests?state=OPEN&pagelen=50"):
        number = pull["id"]
        for one in api.pages(f"{repository}/pullrequests/{number}/statuses?pagelen=100"):
            path = _path(one)
            if text(one, "key") == key(number) and text(one, "state") == WORDS["pending"] and path:
                yield Unfinished(number, path, text(one, "url"))


def _path(status: Json) -> str:
    home, commit = place(part(status, "repository"), ""), text(status, "commit", "hash")
    if home is None or not commit:
        return ""
    where = repository_path(home.workspace, home.id)
    return f"{where}/commit/{commit}/statuses/build/{quote(text(status, 'key'), safe='')}"


def stop(api: Api, one: Unfinished) -> None:
    """Twice is once. A commit that is gone has no status any more."""
    body = {
        "type": "build",
        "key": key(one.number),
        "state": "STOPPED",
        "name": "intakebot",
        "description": SAID,
        "url": one.url,
    }
    api.ask("PUT", one.path, body, accept=(404,))
