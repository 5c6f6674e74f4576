"""Submissions out of what the house has kept of each pull request (docs/report.md). Pure.

A story is one pull request: its first complete verdict on each commit, and who acted when.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Literal

from intakebot.core.metrics.counted import Counted, Told, together
from intakebot.core.metrics.described import Fields
from intakebot.core.metrics.reverts import takes_back
from intakebot.core.metrics.table import UNKNOWN, Seen, Submission, Waited, size_of
from intakebot.core.workhours import Calendar, between
from intakebot.model import Group

OTHERS = "contractors"  # who work for no agency, together
NO_VERDICT, CLOSED_BEFORE = "no complete verdict yet", "closed before a complete verdict"
INSIDER = "by people of our own"
OURS = "could not be judged, by a fault on our side"
STALE = 40.0  # working hours, five days, after which who waits may have to take up a newer base


Turn = tuple[datetime, bool]  # from when on it was to whom to act: True is theirs


@dataclass(frozen=True, slots=True)
class Verdict:
    """The first complete one on one commit. `kinds` are what kept it from being all green."""

    head: str
    at: datetime
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class Act:
    """`state` of a review is how it ended; of a comment "asks", where it wants an answer, or
    "command", where it holds nothing else."""

    kind: Literal["push", "comment", "review"]
    account: str
    at: datetime
    head: str
    state: str


@dataclass(frozen=True, slots=True)
class Whose:
    """What an account was at one moment. `person` tells people apart and is no name."""

    group: Group
    agency: str  # as the report groups them
    person: str


@dataclass(frozen=True, slots=True)
class Story:
    """`verdicts` and `acts` are in the order of their time, and without the bot's own.

    What is told of the change itself (lines, paths, findings) is of the first verdict.
    """

    forge: str
    repo: str
    number: int
    url: str
    author: str  # account id
    then: tuple[Group, str]  # what the roster said of the author at the first verdict
    opened: datetime
    state: Literal["merged", "declined", "open"]
    closed: datetime | None
    blocked: bool  # by a fault on our side, when it was last looked at
    commit: str  # that it landed as, else ""
    title: str
    description: str
    lines: int
    from_fork: bool
    code: bool
    tests: bool
    lint: int  # findings of linters
    failed: tuple[str, ...]  # digests of checks, sorted
    verdicts: tuple[Verdict, ...]
    acts: tuple[Act, ...]
    conflicts: tuple[datetime, ...] = ()  # when each head was first seen in conflict
    silenced: int = 0  # places where it switched a check off
    opinions: tuple[int, ...] = ()  # of reviewers on the next one, from 1 to 5
    id: int = 0  # the house's own


@dataclass(frozen=True, slots=True)
class Trespass:
    """Something that went round the pull requests. `person` and `agency` as of then."""

    agency: str
    person: str
    at: datetime
    kind: str


@dataclass(frozen=True, slots=True)
class Known:
    """`who` answers for a forge, an account and a moment. `as_of` is the end of what was seen,
    `fields` what a description should have, `tests` digests of the checks that run tests."""

    who: Callable[[str, str, datetime], Whose]
    ours: Calendar
    theirs: Callable[[str], Calendar]  # of an agency
    as_of: datetime
    fields: Fields = field(default_factory=Fields)
    tests: Collection[str] = ()


def submissions(stories: Iterable[Story], known: Known) -> Told:
    """All of them together."""
    return together((count(story, known) for story in stories), known.as_of)


def count(story: Story, known: Known) -> Counted:
    """One by itself. Of one that is over, `known.as_of` changes nothing."""
    whose = _author(story, known)
    why = _why_excluded(story, whose)
    return Counted(
        agency=whose.agency,
        why=why,
        repo=story.repo,
        number=story.number,
        title=story.title,
        commit=story.commit,
        takes_back=takes_back(story.description),
        merged=story.state == "merged",
        closed=story.closed,
        row=None if why else _submission(story, whose, known),
    )


def unit(group: Group, agency: str) -> str:
    """Under which name the report counts somebody."""
    return {Group.AGENCY: agency, Group.CONTRACTOR: OTHERS}.get(group, "") or UNKNOWN


def _author(story: Story, known: Known) -> Whose:
    """By the roster; where that says nothing of the moment, by what it said then."""
    whose = known.who(story.forge, story.author, story.opened)
    if whose.group is not Group.OUTSIDER:
        return whose
    group, agency = story.then
    return Whose(group, unit(group, agency), whose.person)


def _why_excluded(story: Story, whose: Whose) -> str:
    if whose.group is Group.STAFF:
        return INSIDER
    if story.verdicts:
        return ""
    if story.state == "open":
        return OURS if story.blocked else NO_VERDICT
    return CLOSED_BEFORE


def _submission(story: Story, whose: Whose, known: Known) -> Submission:
    first = story.verdicts[0]
    end = story.closed or known.as_of
    calendar = known.theirs(whose.agency)
    fix = _first_fix(story, calendar, end)
    asked = any(
        act.kind == "review" and act.state == "changes_requested" and act.at <= end
        for act in story.acts
    )
    return Submission(
        pr=str(story.number),
        agency=whose.agency,
        person=whose.person,
        repo=story.repo,
        size=size_of(story.lines),
        changed_lines=story.lines,
        seq=1,
        first_pass=not first.kinds and not asked,
        rounds=len(story.verdicts),
        first_fix_h=fix[0] if fix else None,
        fix_censored=bool(fix and fix[1]),
        violations=tuple(sorted(first.kinds)),
        lint_findings=story.lint,
        new_test_failures=any(one in known.tests for one in story.failed),
        state=story.state,
        reverted=False,
        from_fork=story.from_fork,
        seen=_seen(story, whose, known, end),
    )


def _seen(story: Story, whose: Whose, known: Known, end: datetime) -> Seen:
    first = story.verdicts[0]
    calendar = known.theirs(whose.agency)
    side = _Sides(story, whose, known)
    turns = _turns(story, side, end)
    theirs, ours = _split([*turns, (end, False)], calendar, known.ours)
    return Seen(
        at=first.at,
        url=story.url,
        verdict=round(between(story.opened, first.at, known.ours), 4),
        review=_first_review(story, side, known.ours, end),
        answers=tuple(_answers(side, calendar, end)),
        talk=sum(act.kind != "push" and act.state != "command" for act in side.ours),
        theirs=theirs,
        ours=ours,
        code=story.code,
        tests=story.tests,
        young=False,
        described=known.fields.are_there(story.title, story.description, first.kinds),
        ticket=known.fields.found_ticket(story.title, story.description),
        reviewer=_reviewer(side),
        silenced=story.silenced > 0,
        opinions=story.opinions,
        stale=_stale(story, turns, calendar, known.ours),
    )


class _Sides:
    """Tells the author's side from ours: everybody of the same agency is on the author's.

    `acts` are each with whether it was theirs.
    """

    def __init__(self, story: Story, whose: Whose, known: Known) -> None:
        self.story, self.whose, self.known = story, whose, known
        self.acts = [(act, self._is_theirs(act)) for act in story.acts]
        self.ours = [act for act, is_theirs in self.acts if not is_theirs]

    def _is_theirs(self, act: Act) -> bool:
        if act.account == self.story.author:
            return True
        other = self.known.who(self.story.forge, act.account, act.at)
        return other.group is Group.AGENCY and other.agency == self.whose.agency


def _first_fix(story: Story, calendar: Calendar, end: datetime) -> Waited | None:
    """From the first verdict that was not green to the push after which less was wrong."""
    red = next((one for one in story.verdicts if one.kinds), None)
    if red is None:
        return None
    better = {one.head for one in story.verdicts if one.kinds < red.kinds and one.at > red.at}
    for act in story.acts:
        if act.kind == "push" and act.at > red.at and act.head in better:
            return round(between(red.at, act.at, calendar), 4), False
    return round(between(red.at, end, calendar), 4), True


def _first_review(story: Story, side: _Sides, calendar: Calendar, end: datetime) -> Waited | None:
    """From the first green verdict to the first word of ours; None while nothing was green."""
    green = next((one.at for one in story.verdicts if not one.kinds), None)
    if green is None:
        return None
    for act in side.ours:
        if act.kind != "push" and green <= act.at <= end:
            return round(between(green, act.at, calendar), 4), False
    return round(between(green, end, calendar), 4), story.state != "merged"


def _reviewer(side: _Sides) -> str:
    looked = (act for act in side.ours if act.kind != "push" and act.state != "command")
    first = next(looked, None)
    if first is None:
        return ""
    return side.known.who(side.story.forge, first.account, first.at).person


def _answers(side: _Sides, calendar: Calendar, end: datetime) -> Iterator[Waited]:
    asked: datetime | None = None
    for act, is_theirs in side.acts:
        if act.at > end:
            break
        if is_theirs:
            if asked is not None:
                yield round(between(asked, act.at, calendar), 4), False
            asked = None
        elif asked is None and act.state in ("asks", "changes_requested"):
            asked = act.at
    if asked is not None:
        yield round(between(asked, end, calendar), 4), True


def _split(turns: Sequence[Turn], theirs: Calendar, ours: Calendar) -> tuple[float, float]:
    """Hours in which they were to act, and hours in which we were, each by their own calendar."""
    hours = [0.0, 0.0]
    for (begin, to_them), (until, _) in pairwise(turns):
        hours[to_them] += between(begin, until, theirs if to_them else ours)
    return round(hours[True], 4), round(hours[False], 4)


def _stale(
    story: Story, turns: Sequence[Turn], theirs: Calendar, ours: Calendar
) -> Literal["", "theirs", "ours"]:
    """Whose long wait a conflict came in: the target moved on meanwhile."""
    whose: set[str] = set()
    for conflict in story.conflicts:
        stretch: Turn | None = None
        for at, to_them in turns:
            if at >= conflict:
                break
            if stretch is None or stretch[1] is not to_them:
                stretch = at, to_them
        if stretch is not None:
            calendar = theirs if stretch[1] else ours
            if between(stretch[0], conflict, calendar) > STALE:
                whose.add("theirs" if stretch[1] else "ours")
    return "theirs" if "theirs" in whose else "ours" if whose else ""


def _turns(story: Story, side: _Sides, end: datetime) -> list[Turn]:
    """In the order of their time."""
    turns: list[Turn] = [(story.opened, False)]
    turns += [(one.at, bool(one.kinds)) for one in story.verdicts]
    for act, is_theirs in side.acts:
        if is_theirs or act.kind == "push":  # after a push a verdict is ours to give
            turns.append((act.at, False))
        elif act.state in ("asks", "changes_requested"):
            turns.append((act.at, True))
    return sorted(one for one in turns if one[0] <= end)
