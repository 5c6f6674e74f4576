"""Numbers that need what the house itself has seen: answers, reviews, times, incidents."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from intakebot.core.metrics import numbers
from intakebot.core.metrics.numbers import Interval
from intakebot.core.metrics.stories import Trespass
from intakebot.core.metrics.table import Submission, Waited

A_DAY = 8.0  # working hours within which an answer is a quick one
ONE_TRY = timedelta(hours=1)  # who tries the same again so soon has not done it twice
MOST_A_TICKET = 3  # pull requests for one ticket on one day
LEAST_OPINIONS = 5  # fewer could be told apart
NOTICES = 2  # incidents after the first one, which everybody is told of


@dataclass(frozen=True, slots=True)
class Wait:
    """`median` by Kaplan and Meier, None where half of them never came."""

    n: int
    censored: int
    median: float | None


@dataclass(frozen=True, slots=True)
class Trespasses:
    """What went round the pull requests. `after_notice` are those after the first one."""

    total: int = 0
    after_notice: int = 0
    in_last: int = 0  # since the first of the last ten submissions came in
    rate: Interval = (0.0, 0.0)  # of one submission, exact
    kinds: Mapping[str, int] | None = None

    @property
    def risky(self) -> bool:
        return self.after_notice >= NOTICES


@dataclass(frozen=True, slots=True)
class Kept:
    """`talk` is comments of ours on a hundred changed lines. `months` has findings by month
    (YYYY-MM) and kind. Hours are working hours of whoever was to act."""

    answers: Wait
    quick: tuple[int, int]  # answered within a working day, of those that have been or are overdue
    tests: tuple[int, int]  # submissions with tests, of those with code
    talk: float | None
    talk_clustered: Interval | None
    verdicts: Wait
    reviews: Wait
    theirs: float
    ours: float
    young: int
    months: Mapping[str, Mapping[str, int]]
    sent: Mapping[str, int]  # submissions by month
    described: tuple[int, int]  # submissions whose description had what it should have, of all
    silenced: tuple[int, int]  # submissions that switched a check off somewhere, of all
    stale: tuple[
        int, int
    ]  # in conflict after a long wait for them, of those that waited not for us
    opinions: int
    opinion: float | None  # the reviewers' median, from 1 to 5; None of too few to tell
    split: int  # days on which somebody sent more than a few for one ticket


def trespasses_of(found: Sequence[Trespass], rows: Sequence[Submission], last: int) -> Trespasses:
    """Of one agency; `rows` in order and not empty, `found` by time."""
    found = _apart(found)
    seen = [one.seen.at for one in rows[-last:] if one.seen is not None]
    since: datetime | None = min(seen, default=None)
    return Trespasses(
        total=len(found),
        after_notice=max(0, len(found) - 1),
        in_last=sum(since is not None and one.at >= since for one in found),
        rate=numbers.garwood(len(found), len(rows)),
        kinds=dict(sorted(Counter(one.kind for one in found).items())),
    )


def _apart(found: Sequence[Trespass]) -> list[Trespass]:
    """Without what the same person tries again in the same way within an hour."""
    last: dict[tuple[str, str], datetime] = {}
    kept = []
    for one in found:
        before = last.get((one.person, one.kind))
        if before is None or one.at - before > ONE_TRY:
            kept.append(one)
        last[one.person, one.kind] = one.at
    return kept


def kept_of(rows: Sequence[Submission]) -> Kept | None:
    """None where the rows are from a table."""
    seen = [one.seen for one in rows if one.seen is not None]
    if not seen:
        return None
    answers = [answer for one in seen for answer in one.answers]
    due = [(hours, open_) for hours, open_ in answers if not open_ or hours > A_DAY]
    code = [one for one in seen if one.code]
    talk, lines = [one.talk for one in seen], [one.changed_lines for one in rows]
    clustered = numbers.clustered(talk, lines)
    opinions = [score for one in seen for score in one.opinions]
    months: dict[str, Counter[str]] = defaultdict(Counter)
    sent: Counter[str] = Counter()
    for one in rows:
        if one.seen is not None:
            month = f"{one.seen.at.year:04}-{one.seen.at.month:02}"
            kinds = months[month]
            for kind in one.violations:
                kinds[kind] += 1
            sent[month] += 1
    return Kept(
        answers=_wait(answers),
        quick=(sum(hours <= A_DAY for hours, _ in due), len(due)),
        tests=(sum(one.tests for one in code), len(code)),
        talk=100 * sum(talk) / sum(lines) if sum(lines) else None,
        talk_clustered=clustered and (100 * clustered[0], 100 * clustered[1]),
        verdicts=_wait([(one.verdict, False) for one in seen]),
        reviews=_wait([one.review for one in seen if one.review is not None]),
        theirs=sum(one.theirs for one in seen),
        ours=sum(one.ours for one in seen),
        young=sum(one.young for one in seen),
        months={month: dict(sorted(kinds.items())) for month, kinds in sorted(months.items())},
        sent=dict(sorted(sent.items())),
        described=(sum(one.described for one in seen), len(seen)),
        silenced=(sum(one.silenced for one in seen), len(seen)),
        stale=(
            sum(one.stale == "theirs" for one in seen),
            sum(one.stale != "ours" for one in seen),
        ),
        opinions=len(opinions),
        opinion=statistics.median(opinions) if len(opinions) >= LEAST_OPINIONS else None,
        split=_split(rows),
    )


def _split(rows: Sequence[Submission]) -> int:
    """Tiny pull requests pass more easily: many for one ticket on one day are worth a look."""
    sent = Counter(
        (one.person, one.repo, one.seen.ticket, one.seen.at.date())
        for one in rows
        if one.seen is not None and one.seen.ticket
    )
    return sum(count > MOST_A_TICKET for count in sent.values())


def _wait(times: Sequence[Waited]) -> Wait:
    censored = sum(open_ for _, open_ in times)
    return Wait(len(times), censored, numbers.survival_median(times))
