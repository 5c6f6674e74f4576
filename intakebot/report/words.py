"""What a report says in sentences: counts and plausible ranges, advice and no blame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean

from intakebot.core.metrics import numbers
from intakebot.core.metrics.agency import ENOUGH, FEW, Numbers, Relapse
from intakebot.core.metrics.cohort import Cohort
from intakebot.core.metrics.kept import MOST_A_TICKET, Wait
from intakebot.report.build import Agency, Record, Report

VERY_LIKELY, LIKELY, UNLIKELY = 0.95, 0.80, 0.20
FOR_LEARNING = 12  # submissions, below which no direction is told
SHOWN = 2  # strengths, and things to work on
LARGE_SHARE = 0.25
REVIEWERS = 3  # of ours, below which nothing is told of them
MEANS = {
    "ready": "Changes can be taken with normal review.",
    "coaching": "Most are here for a while; this is no failure. Below is what would help most.",
    "at risk": "Somebody should talk with them before more work is given.",
    "not enough evidence": f"Below {FEW} submissions nothing is concluded; the counts are below.",
}


def share(x: int, n: int, of: str) -> str:
    """3 of 14 passed at first check (21 %; plausible range 8-48 %)"""
    if n == 0:
        return f"no data on how many {of}"
    if n < FEW:
        return f"{x} of {n} {of}"
    low, high = numbers.wilson(x, n)
    return f"{x} of {n} {of} ({_percent(x / n)}; plausible range {_range(low, high)})"


def headline(agency: Agency) -> str:
    of = agency.numbers
    return f"{share(of.passes, of.n, 'passed at first check')}."


def confidence(report: Report, of: Numbers) -> str:
    """How sure one can be of either target, in words."""
    ready, risk = _percent(report.targets.ready), _percent(report.targets.risk)
    if of.n < FEW:
        return f"With {_many(of.n, 'submission')} nobody can tell."
    if of.p_ready >= LIKELY:
        return f"{_likely(of.p_ready)} that at least {ready} pass in the long run."
    if of.p_risk >= LIKELY:
        return f"{_likely(of.p_risk)} that fewer than {risk} pass in the long run."
    more = "" if of.n >= ENOUGH else f" {ENOUGH} submissions are needed for every verdict."
    return f"One can't tell yet whether it is above {ready} or below {risk}.{more}"


def direction(of: Numbers) -> str:
    if of.n < FOR_LEARNING:
        return f"Below {FOR_LEARNING} submissions no direction is told."
    told = f"{of.early[0]} of the first {of.early[1]} passed, then {of.late[0]} of {of.late[1]}"
    if of.improving >= LIKELY:
        return f"Likely improving: {told}.{learning(of)}"
    if of.improving <= UNLIKELY:
        return f"Likely getting worse: {told}.{learning(of)}"
    return f"No clear change: {told}.{learning(of)}"


def learning(of: Numbers) -> str:
    """With sizes and repositories taken out; "" for few submissions."""
    if of.learning is None:
        return ""
    low, high = of.learning.interval
    return (
        " With sizes and repositories taken out, each doubling of their submissions multiplies "
        f"the odds of passing by {of.learning.odds:.2g} (plausible range {low:.2g}-{high:.2g})."
    )


def worth_a_look(of: Numbers) -> str:
    """What would make numbers better and nothing else; "" where nothing was seen."""
    if of.kept is None or not of.kept.split:
        return ""
    days = "day" if of.kept.split == 1 else "days"
    return (
        f"Worth a look: on {of.kept.split} {days} somebody sent more than {MOST_A_TICKET} pull "
        "requests for one ticket. Small ones pass more easily."
    )


def mix(of: Numbers) -> str:
    """Why the share with the mix taken out differs, where it does."""
    raw = of.passes / of.n
    if of.n < FEW or of.adjusted is None or abs(raw - of.adjusted) <= 0.10:
        return ""
    return (
        f"With its mix of repositories and sizes taken out it would be {_percent(of.adjusted)} "
        f"instead of {_percent(raw)}: {of.large} of {of.n} are large changes. How hard the tasks "
        "were and how strict the reviewers is not taken out."
    )


def prior(cohort: Cohort) -> str:
    if cohort.is_fixed:
        return (
            "There are fewer than three agencies to compare with, so the starting assumption is "
            "that every share is as likely as any other; it is worth 2 submissions."
        )
    at = _percent(cohort.prior)
    return f"The starting assumption is worth {cohort.worth:g} submissions at {at}."


def strengths(of: Numbers) -> list[str]:
    found = []
    if of.kept is not None and of.kept.tests[1] >= FEW and of.kept.tests[0] == of.kept.tests[1]:
        found.append("all code came with tests")
    if of.n >= FEW and of.passes / of.n >= 0.6:
        found.append(f"{of.passes} of {of.n} passed at first check")
    if of.relapse.chances >= FEW and of.relapse.again == 0:
        found.append(f"what was told once did not come back, in {of.relapse.chances} chances")
    if of.forks == of.n:
        found.append("everything came from a fork")
    if of.merged - of.young and not of.reverted:
        found.append(f"none of {of.merged - of.young} merged changes was taken back")
    if of.fix_median is not None and of.fix_median <= 8:
        found.append(f"half of the first fixes came within {of.fix_median:g} working hours")
    if of.large == 0:
        found.append("all changes are small enough to review well")
    return found[:SHOWN]


def to_work_on(of: Numbers) -> list[str]:
    found = [
        f"{kind}: without it {gain} points more would pass"
        for kind, gain in sorted(of.without_kind.items(), key=lambda one: (-one[1], one[0]))
        if gain > 0
    ]
    if of.large / of.n >= LARGE_SHARE:
        found.insert(min(1, len(found)), f"{of.large} of {of.n} changes have more than 300 lines")
    if of.forks < of.n:
        found.insert(0, f"{of.n - of.forks} of {of.n} did not come from a fork")
    if of.trespasses.total:
        found.insert(0, f"{_many(of.trespasses.total, 'time')} past the pull requests")
    for kind, one in sorted(of.relapse_by_kind.items(), key=_most_again):
        if one.again and not any(text.startswith(f"{kind}:") for text in found):
            found.append(f"{kind}: came back {one.again} times in {one.chances} chances")
    return found[:SHOWN]


def _most_again(item: tuple[str, Relapse]) -> tuple[int, str]:
    return -item[1].again, item[0]


def exclusions(report: Report) -> Sequence[str]:
    """What the numbers leave out, and what they can't say."""
    cohort, record = report.cohort, report.record
    submissions = _many(cohort.n, "submission")
    agencies = f"{cohort.agencies} {'agency' if cohort.agencies == 1 else 'agencies'}"
    if record is None:
        return (
            "Incidents (pushes past pull requests, mailed archives), reviewers' comments and our "
            "own response times are not in a table of submissions, so nothing here counts them.",
            "A revert counts whenever it happened; the table has no dates.",
            f"All numbers compare with {submissions} of {agencies} in the table, each included.",
        )
    return (
        left_out(_total(record)) or "Nothing was left out.",
        "Work merged in the last 30 days may still be taken back, so it is not yet part of what "
        "was taken back.",
        "An answer counts from a question: a comment with a question mark, one on a line, or a "
        "request for changes. Hours are working hours of whoever was to act.",
        "How hard the tasks were, how strict the reviewers are and what was said outside of pull "
        f"requests is in no number here.{reviewers(report)}",
        f"All numbers compare with {submissions} of {agencies}, each included.",
    )


def reviewers(report: Report) -> str:
    """How far rounds depend on who of us looked first; "" with too few to tell. Nobody is named."""
    rounds: dict[str, list[int]] = {}
    for agency in report.agencies:
        for row in agency.rows:
            if row.seen is not None and row.seen.reviewer:
                rounds.setdefault(row.seen.reviewer, []).append(row.rounds)
    means = [fmean(of) for of in rounds.values() if len(of) >= FEW]
    if len(means) < REVIEWERS:
        return ""
    return (
        f" Among the {len(means)} people of ours who looked first at {FEW} or more, rounds are "
        f"from {min(means):.1f} to {max(means):.1f} on average."
    )


def before(agency: Agency) -> str:
    """What the forge told of the time before the house looked; "" where nobody has asked it."""
    of = agency.past
    if of is None:
        return ""
    merged, over = of.merged
    said = [
        f"{merged} of {over} were merged",
        f"changes were asked for in {of.asked[0]}",
        f"{of.forks[0]} came from a fork",
    ]
    if of.green[1]:
        said.append(f"the first commit built in {of.green[0]} of {of.green[1]}")
    if of.taken_back[1]:
        said.append(f"{of.taken_back[0]} of {of.taken_back[1]} were taken back within 30 days")
    return (
        f"Before this house looked, from {of.since:%Y-%m-%d} on: {'; '.join(said)}. Nobody judged "
        "these by the rules here, so they are in no number above."
    )


def left_out(reasons: Mapping[str, int]) -> str:
    """Left out: 3 by people of our own; 1 closed before a complete verdict."""
    told = "; ".join(f"{count} {why}" for why, count in sorted(reasons.items()))
    return f"Left out: {told}." if told else ""


def _total(record: Record) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for reasons in record.excluded.values():
        total.update(reasons)
    return total


def period(report: Report) -> str:
    """Of which time it is; "" of a table, which has no dates."""
    if report.record is None:
        return ""
    since = f"from {report.record.since:%Y-%m-%d} " if report.record.since else ""
    return f"First verdicts {since}until {report.record.as_of:%Y-%m-%d %H:%M} UTC."


def our_side(of: Numbers) -> str:
    """Our own response times: they stand beside theirs, always."""
    kept = of.kept
    if kept is None:
        return ""
    said = [f"Our first complete verdict came within {_hours(kept.verdicts)}"]
    if kept.reviews.n and kept.reviews.median is None:
        said.append("how soon somebody of us looks after that can't be told yet")
    elif kept.reviews.n:
        said.append(f"somebody of us looked within {_hours(kept.reviews)} after that")
    whole = kept.theirs + kept.ours
    split = (
        f" Of {whole:.0f} working hours while changes were open it was their turn for "
        f"{kept.theirs:.0f} and ours for {kept.ours:.0f}."
        if whole >= 1
        else ""
    )
    return f"{', and '.join(said)} (medians).{split}"


def _hours(wait: Wait) -> str:
    if wait.median is None:
        return "no time that can be told yet"
    return f"{wait.median:.1f} working hours" if wait.median >= 0.05 else "minutes"


def incidents(of: Numbers) -> str:
    found = of.trespasses
    if not found.total:
        return ""
    kinds = ", ".join(f"{count} {kind}" for kind, count in (found.kinds or {}).items())
    return f"Incidents: {kinds}; {found.after_notice} of them after the first one."


def decided(agency: Agency) -> str:
    """Who decided, and why; else that nobody has."""
    if not agency.decisions:
        return "Nobody has decided yet, so this is advice alone."
    last = agency.decisions[-1]
    advised = "" if last.advice == last.verdict else f" (the advice then was {last.advice})"
    return f"Decided: {last.verdict}, by {last.by} on {last.at:%Y-%m-%d}{advised}. {last.reason}"


def _likely(p: float) -> str:
    return "Very likely" if p >= VERY_LIKELY else "Likely"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _range(low: float, high: float) -> str:
    return f"{100 * low:.0f}-{100 * high:.0f} %"
