"""What happened to a pull request and in which order, from its activity. Pure.

Bitbucket Cloud numbers nothing, so `seq` is the entry's time in microseconds since the epoch,
which is the same at every read. A native review is for a head only where both the times and the
order of the list show that it came after that head's entry and before the next one; at the same
instant, or with the entry missing, it is for none ("").

Entries name heads by 12 digits. Two commits that share those are made in seconds, so an entry is
never taken for a commit because the digits are the same: a head's full id is known only because
it was seen as the tip while that entry was the newest. Heads that nobody saw are "".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from intakebot.forges.bitbucket_cloud.shapes import Json, account, micros, moment, part, text
from intakebot.model import Account, Push, Retarget, Review, ReviewState

STATES: Mapping[str, ReviewState] = {
    "approval": "approved",
    "changes_requested": "changes_requested",
}


@dataclass(frozen=True, slots=True)
class Update:
    """The pull request as it was opened, pushed to or edited. `place` is its place in the list."""

    place: int
    at: datetime
    by: Account
    short: str  # 12 digits of the head
    target: str
    edit: str  # all that an edit changes

    @property
    def seq(self) -> int:
        return micros(self.at)


@dataclass(frozen=True, slots=True)
class Given:
    """An approval or a request for changes; it may have been taken back since."""

    place: int
    at: datetime
    by: Account
    state: ReviewState


@dataclass(frozen=True, slots=True)
class Activity:
    """Oldest first. `steps` are the updates that may have brought another head."""

    updates: tuple[Update, ...]
    given: tuple[Given, ...]
    steps: tuple[Update, ...]


@dataclass(frozen=True, slots=True)
class Now:
    """What the pull request itself says. `end` is after all that is known to have happened."""

    head: str
    target: str
    author: Account
    at: datetime
    end: int


@dataclass(frozen=True, slots=True)
class Standing:
    """One participant who approves or requests changes now."""

    by: Account
    state: ReviewState
    at: datetime | None


def read_activity(newest_first: Sequence[Json]) -> Activity:
    updates: dict[tuple[int, str, str], Update] = {}
    given: list[Given] = []
    for place, entry in enumerate(reversed(newest_first)):
        if part(entry, "update") is not None:
            update = _update(place, entry["update"])
            if update is not None:  # one that slid to the next page while we read comes twice
                updates[update.seq, update.short, update.edit] = update
        for name, state in STATES.items():
            at = moment(entry, name, "date")
            if at is not None:
                given.append(Given(place, at, account(part(entry, name, "user")), state))
    ordered = tuple(sorted(updates.values(), key=lambda one: (one.at, one.place)))
    return Activity(ordered, tuple(given), _steps(ordered))


def _update(place: int, found: Json) -> Update | None:
    at, short = moment(found, "date"), text(found, "source", "commit", "hash")
    if at is None or not short:
        return None
    target = text(found, "destination", "branch", "name")
    reviewers = part(found, "reviewers") or ()
    edit = repr(
        [
            *(text(found, name) for name in ("title", "description", "state")),
            target,
            part(found, "draft"),
            sorted(text(one, "uuid") for one in reviewers),
            part(found, "changes"),
        ]
    )
    return Update(place, at, account(part(found, "author")), short, target, edit)


def _steps(updates: Iterable[Update]) -> tuple[Update, ...]:
    """An entry that changes nothing we can see may be a push of a commit with the same digits."""
    steps: list[Update] = []
    before: Update | None = None
    for update in updates:
        if before is None or update.short != before.short or update.edit == before.edit:
            steps.append(update)
        before = update
    return tuple(steps)


def heads(activity: Activity, seen: Mapping[int, str]) -> tuple[Push, ...]:
    """Every head in order. `seen` are the full ids that were the tip at these entries."""
    return tuple(
        Push(seen.get(step.seq, ""), step.by, step.at, step.seq) for step in activity.steps
    )


def agrees(activity: Activity, short: str, target: str) -> bool:
    """Whether the newest entry tells of this head and target; it lags behind where it doesn't."""
    if not activity.steps:
        return False
    return activity.steps[-1].short == short and activity.updates[-1].target == target


def pushes(activity: Activity, seen: Mapping[int, str], now: Now) -> tuple[Push, ...]:
    """With the head of now as the last: one whose entry is missing came after everything."""
    known = heads(activity, seen)
    if known and known[-1].head == now.head:
        return known
    return (*known, Push(now.head, now.author, now.at, now.end))


def targets(activity: Activity, now: Now) -> tuple[Retarget, ...]:
    """With the target of now as the last, likewise."""
    moves: list[Retarget] = []
    for update in activity.updates:
        if not moves or moves[-1].target != update.target:
            moves.append(Retarget(update.target, update.seq))
    if not moves or moves[-1].target != now.target:
        moves.append(Retarget(now.target, now.end))
    return tuple(moves)


def entry_of(activity: Activity, one: Standing) -> Given | None:
    """The newest entry of what this participant stands for."""
    own = [
        found for found in activity.given if (found.by.id, found.state) == (one.by.id, one.state)
    ]
    return max(own, key=lambda found: found.at, default=None)


def reviews(
    activity: Activity, standing: Iterable[Standing], seen: Mapping[int, str], now: Now
) -> tuple[Review, ...]:
    """Who approves is what the participants say; when it was said is what the activity says."""
    found = []
    for one in standing:
        entry = entry_of(activity, one)
        head = _head_of(activity, entry, seen, now) if entry is not None else ""
        at = entry.at if entry is not None else one.at or now.at
        found.append(Review(one.by, head, one.state, at, micros(at)))
    return tuple(sorted(found, key=lambda review: review.seq))


def _head_of(activity: Activity, entry: Given, seen: Mapping[int, str], now: Now) -> str:
    if any(update.at == entry.at for update in activity.updates):
        return ""
    by_time = [step for step in activity.steps if step.at < entry.at]
    by_list = [step for step in activity.steps if step.place < entry.place]
    if not by_time or by_time != by_list:
        return ""
    head = seen.get(by_time[-1].seq, "")
    # After the newest entry, the head of now may have come before the review and not be listed.
    if by_time[-1] == activity.steps[-1] and head != now.head:
        return ""
    return head
