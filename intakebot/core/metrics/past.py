"""Pull requests from before the house looked: what the forge still tells of them, and no verdict.

They are counted beside the report's numbers and never among them: nobody judged them by these
rules, and a past without checks must not pass for a past without faults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from intakebot.core.metrics.reverts import TAKEN_BACK_WITHIN, Reverts
from intakebot.core.metrics.stories import Whose
from intakebot.model import Build, Group, Pull, PullState


@dataclass(frozen=True, slots=True)
class PastPull:
    """One that is over. `ended` is when something last happened to it; `green` is what other
    machines said of its first commit, None where none did."""

    forge: str
    repo: str
    number: int
    author: str  # account id
    login: str
    title: str
    url: str
    opened: datetime
    ended: datetime
    merged: bool
    from_fork: bool
    pushes: int
    asked: bool  # somebody else asked for changes
    talk: int  # comments and reviews by others than its author
    green: bool | None


@dataclass(frozen=True, slots=True)
class PastTotal:
    """Of one agency. Pairs are (how many, of how many)."""

    agency: str
    people: int
    since: datetime
    merged: tuple[int, int]
    forks: tuple[int, int]
    asked: tuple[int, int]
    green: tuple[int, int]
    taken_back: tuple[int, int]  # of those merged more than 30 days before the last that is known
    usual_pushes: float
    usual_days: float  # from opening until the last that happened


def past_of(pull: Pull, builds: Sequence[Build]) -> PastPull:
    """`builds` are those of its first commit."""
    author = pull.author.id
    others = [one for one in pull.comments if one.by.id != author and one.key is None]
    reviews = [one for one in pull.reviews if one.by.id != author]
    times = [push.at for push in pull.pushes]
    times += [comment.at for comment in pull.comments]
    times += [review.at for review in pull.reviews]
    said = [one.state for one in builds if one.state != "pending"]
    return PastPull(
        forge=pull.repo.forge,
        repo=pull.repo.name,
        number=pull.number,
        author=author,
        login=pull.author.login,
        title=pull.title,
        url=pull.url,
        opened=pull.created_at,
        ended=max([pull.created_at, *times]),
        merged=pull.state is PullState.MERGED,
        from_fork=pull.source is None or pull.source.repo_id != pull.repo.id,  # a fork may be gone
        pushes=max(1, len(pull.pushes)),
        asked=any(one.state == "changes_requested" for one in reviews),
        talk=len(others) + len(reviews),
        green=all(one == "success" for one in said) if said else None,
    )


def totals(
    found: Iterable[PastPull], who: Callable[[str, str, datetime], Whose]
) -> list[PastTotal]:
    """By name of the agency; people of our own are left out."""
    by_agency: dict[str, list[tuple[PastPull, str]]] = {}
    every = list(found)
    last = max((one.ended for one in every), default=None)
    for one in every:
        whose = who(one.forge, one.author, one.opened)
        if whose.group is not Group.STAFF:
            by_agency.setdefault(whose.agency, []).append((one, whose.person))
    undone = _undone(every)
    return [
        _total(agency, rows, undone, last) for agency, rows in sorted(by_agency.items()) if last
    ]


def _undone(found: Iterable[PastPull]) -> Reverts:
    """By their titles alone: descriptions are not read."""
    told = Reverts()
    for one in found:
        if one.merged:
            told.take(one.repo, one.title, (), one.ended)
    return told


def _total(
    agency: str,
    rows: Sequence[tuple[PastPull, str]],
    undone: Reverts,
    last: datetime,
) -> PastTotal:
    own = [one for one, _ in rows]
    old = [one for one in own if one.merged and last - one.ended >= TAKEN_BACK_WITHIN]
    built = [one.green for one in own if one.green is not None]
    return PastTotal(
        agency=agency,
        people=len({person for _, person in rows}),
        since=min(one.opened for one in own),
        merged=(sum(one.merged for one in own), len(own)),
        forks=(sum(one.from_fork for one in own), len(own)),
        asked=(sum(one.asked for one in own), len(own)),
        green=(sum(built), len(built)),
        taken_back=(sum(undone.has(one.repo, one.title, "", one.ended) for one in old), len(old)),
        usual_pushes=median(one.pushes for one in own),
        usual_days=median((one.ended - one.opened) / timedelta(days=1) for one in own),
    )
