"""Which pull requests changed since the last look round: one list, compared with what it was.

No time of Bitbucket Cloud's moves with an approval, so the list of open pull requests is
compared by digests. At 60 open ones that is two calls.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from intakebot.forges.api import PullsSince
from intakebot.forges.bitbucket_cloud.allowance import LISTS_LEAVE
from intakebot.forges.bitbucket_cloud.answers import values_of
from intakebot.forges.bitbucket_cloud.http import Api
from intakebot.forges.bitbucket_cloud.shapes import Json, part, text

# The product shows participants in lists only when asked; + is a space unless it is escaped.
ANY = "state=OPEN&state=MERGED&state=DECLINED&state=SUPERSEDED"
OPEN = "pullrequests?state=OPEN&pagelen=50&fields=%2Bvalues.participants"


def pulls_since(api: Api, path: str, cursor: str) -> PullsSince:
    """`path` is the repository's. Raises TryLater when the hour's calls are nearly used up."""
    listed = api.pages(f"{path}/{OPEN}", leave=LISTS_LEAVE)
    now = {str(one["id"]): digest(one) for one in listed}
    before = _before(cursor)
    changed = [number for number, seen in now.items() if before.get(number) != seen]
    gone = before.keys() - now.keys()
    numbers = sorted(int(number) for number in {*changed, *gone})
    return PullsSince(tuple(numbers), json.dumps(now, separators=(",", ":")))


def newest(api: Api, path: str) -> int:
    """Numbers rise with the time of opening."""
    page = api.get(f"{path}/pullrequests?{ANY}&sort=-created_on&pagelen=1")
    return max((int(one["id"]) for one in values_of(page, path)), default=0)


def listed(cursor: str) -> int:
    """How many pull requests were open when this cursor was made."""
    return len(_before(cursor))


def digest(found: Json) -> str:
    """Names all that the list shows of a pull request and a look would care for."""
    seen = [
        text(found, "updated_on"),
        text(found, "source", "commit", "hash"),
        text(found, "destination", "branch", "name"),
        text(found, "title"),
        text(found, "state"),
        part(found, "draft"),
        part(found, "comment_count"),
        sorted(_participants(part(found, "participants") or ())),
    ]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:16]


def _participants(found: Iterable[object]) -> list[list[str]]:
    """Also when: who takes an approval back and gives it again has looked again."""
    return [
        [text(one, "user", "uuid"), _opinion(one), text(one, "participated_on")] for one in found
    ]


def _opinion(one: object) -> str:
    return text(one, "state") or ("approved" if part(one, "approved") is True else "")


def _before(cursor: str) -> Mapping[str, str]:
    """Number -> digest. A cursor that is not ours names nothing, so that all is looked at."""
    try:
        found = json.loads(cursor or "{}")
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {number: str(seen) for number, seen in found.items() if number.isdigit()}
