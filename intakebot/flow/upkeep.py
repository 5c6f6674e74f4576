"""What an operator should know before it hurts, from what is at hand: no forge is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from intakebot.core.escape import visible
from intakebot.flow.connect_words import FORGE, Check, Purpose
from intakebot.forges.bitbucket_cloud.http import Api
from intakebot.forges.bitbucket_cloud.pace import slower
from intakebot.model import OperatorError
from intakebot.store import follows, incidents
from intakebot.store.database import Database
from intakebot.store.follows import Follow

STALE = timedelta(hours=1)  # since the clock has looked at what is followed
HAND_OVER = (
    "give BITBUCKET_ADMIN_TOKEN_FILE and BITBUCKET_ADMIN_EMAIL to the house's clock, and they come "
    "behind the gate by themselves; or run what the alarm about each says"
)


def look(apis: Mapping[Purpose, Api]) -> Iterator[Check]:
    """`apis` are those of Bitbucket Cloud that the house works with, by what their token is for."""
    for purpose, api in apis.items():
        try:
            yield calls_left(purpose, api)
        except OperatorError as error:
            yield Check("fail", f"{purpose} token", str(error))


def calls_left(purpose: Purpose, api: Api) -> Check:
    """Of this hour, as all processes of the house have counted. Raises OperatorError for a token
    that can't be read."""
    token = api.tokens("read")
    left, limit = api.allowance.left(token), api.allowance.limit(token)
    about = f"calls left of the {purpose} token"
    what = f"{left} of the {limit} REST calls of this hour"
    times = slower(left, limit)
    if times == 1:
        return Check("ok", about, what)
    cure = "it passes within the hour; if it comes again, look for who else uses this account"
    return Check("warn", about, f"{what}; lists are read {times} times less often", cure)


def following(database: Database, now: datetime) -> Iterator[Check]:
    """Each workspace and project that is followed, and the repositories that are outside."""
    with database.read() as connection:
        followed = follows.all_of(connection, FORGE)
        outside = incidents.outside(connection, FORGE)
    for one in followed:
        yield _followed(one, now)
    for row in outside:
        yield Check("warn", f"{visible(row.repo, 120)}", row.detail)


def _followed(one: Follow, now: datetime) -> Check:
    about = f"following {visible(one.place, 120)}"
    if one.looked_at is None or now - one.looked_at > STALE:
        what = "nobody has looked for its new repositories yet"
        if one.looked_at is not None:
            what = (
                f"nobody has looked for new repositories since {one.looked_at:%Y-%m-%d %H:%M} UTC"
            )
        cure = "see that the house's clock runs: `intakebot up`, or `intakebot clock`"
        return Check("warn", about, what, cure)
    if one.problem:
        return Check("warn", about, f"new repositories are not connected: {one.problem}", HAND_OVER)
    left = ", ".join(visible(name, 120) for name in one.left_out.values())
    but = f", but not {left}" if left else ""
    return Check("ok", about, f"new repositories are connected by themselves{but}")
