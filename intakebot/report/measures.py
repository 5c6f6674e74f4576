"""The measures of one agency as rows, for figures, tables and exports alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from intakebot.core.metrics import numbers
from intakebot.core.metrics.agency import FEW, Numbers
from intakebot.core.metrics.kept import Kept, Wait
from intakebot.core.metrics.numbers import Interval
from intakebot.report.build import Report


@dataclass(frozen=True, slots=True)
class Measure:
    """`x` of `n`, or `value` alone where it is no share. `better` says which way is good."""

    id: str
    title: str
    n: int
    x: int | None
    value: float | None
    interval: Interval | None
    method: str
    unit: Literal[
        "share", "hours", "rounds", "findings per 1000 lines", "comments", "incidents", "of 5"
    ]
    better: Literal["up", "down", "neither"]
    excluded: int = 0
    cohort: float | None = None
    open: int = 0  # still going on, so they are at least as long


def measures(of: Numbers, report: Report) -> Iterator[Measure]:
    """In the order of docs/report.md."""
    cohort = report.cohort
    yield _share("Q1", "passed at first check", of.passes, of.n, "up", cohort=cohort.mean)
    yield Measure(
        *("Q1-shrunk", "the same, drawn to the others", of.n, None, of.mean),
        *(of.interval, "beta-binomial", "share", "up"),
        cohort=cohort.mean,
    )
    closed = of.merged + of.declined
    yield _share("Q2", "merged, of those that were closed", of.merged, closed, "neither")
    yield Measure(
        *("Q3", "rounds until merged, median", of.merged, None, of.rounds_median, None),
        *("median", "rounds", "down"),
    )
    yield Measure(
        *("Q4", "hours to the first fix, median", of.fixes, None, of.fix_median, None),
        *("Kaplan-Meier", "hours", "down"),
        open=of.fixes_censored,
    )
    for kind, count in of.kinds.items():
        yield _share(f"Q6:{kind}", f"showed {kind}", count, of.n, "down")
    again, chances = of.relapse.again, of.relapse.chances
    yield _share("Q7", "came back after having been told", again, chances, "down")
    kilo = of.changed_lines / 1000
    yield Measure(
        *("Q8", "lint findings per 1000 changed lines", of.n, of.lint_findings),
        *(of.lint_findings / kilo if kilo else None, of.lint_clustered, "cluster bootstrap"),
        *("findings per 1000 lines", "down"),
    )
    if of.kept is not None:
        yield from _kept_quality(of.kept)
    yield _share("Q9", "brought new test failures", of.test_failures, of.n, "down")
    yield _share(
        *("Q11", "taken back after merging", of.reverted, of.merged - of.young, "down"),
        excluded=of.young,
    )
    yield _share("Q12", "more than 300 changed lines", of.large, of.n, "down")
    yield _share("Q13", "came from a fork", of.forks, of.ways, "up")
    if of.kept is not None:
        found = of.trespasses
        yield Measure(
            *("Q14", "incidents for each submission", of.n, found.total, found.total / of.n),
            *(found.rate, "exact Poisson", "incidents", "down"),
        )
        yield _share(
            *("Q16", "got into a conflict after five days of waiting for them", *of.kept.stale),
            *("down", None, of.n - of.kept.stale[1]),
        )
        yield _share("Q17", "said what its readers need", *of.kept.described, "up")
        title = "reviewers would take the next one with a normal review, median of 1 to 5"
        kept = of.kept
        yield Measure("Q19", title, kept.opinions, None, kept.opinion, None, "median", "of 5", "up")
        yield from _ours(of.kept)


def _kept_quality(kept: Kept) -> Iterator[Measure]:
    yield _share("Q10", "brought tests along, of those with code", *kept.tests, "up")
    yield _wait("Q5", "hours to an answer, median", kept.answers)
    yield _share("Q5-day", "answered within a working day", *kept.quick, "up")
    yield _share("Q8-silenced", "switched a check off somewhere", *kept.silenced, "down")
    yield Measure(
        *("Q15", "comments of ours per 100 changed lines", kept.verdicts.n, None, kept.talk),
        *(kept.talk_clustered, "cluster bootstrap", "comments", "down"),
    )


def _ours(kept: Kept) -> Iterator[Measure]:
    """Beside theirs, so that our delay isn't billed to them."""
    yield _wait("C1", "our hours to the first complete verdict, median", kept.verdicts)
    yield _wait("C1-review", "our hours to the first review, median", kept.reviews)


def _wait(id: str, title: str, wait: Wait) -> Measure:
    return Measure(
        *(id, title, wait.n, None, wait.median, None, "Kaplan-Meier", "hours", "down"),
        excluded=0,
        open=wait.censored,
    )


def _share(
    id: str,
    title: str,
    x: int,
    n: int,
    better: Literal["up", "down", "neither"],
    cohort: float | None = None,
    excluded: int = 0,
) -> Measure:
    value = x / n if n else None
    interval = numbers.wilson(x, n)
    shown = (id, title, n, x, value, interval, "Wilson", "share", better)
    return Measure(*shown, excluded=excluded, cohort=cohort)  # type: ignore[arg-type]


def shown(one: Measure) -> str:
    """Counts for few, a rounded value for others; never more places than it deserves."""
    if one.value is None:
        return "no data"
    if one.unit == "share":
        few = one.x is not None and one.n < FEW
        return f"{one.x} of {one.n}" if few else f"{100 * one.value:.0f} %"
    if one.unit == "hours" and one.value < 0.05:
        return "minutes"
    return f"{one.value:.3g}"


def shown_range(one: Measure) -> str:
    if one.interval is None or one.n < FEW:
        return ""
    low, high = one.interval
    if one.unit == "share":
        return f"{100 * low:.0f}-{100 * high:.0f} %"
    return f"{low:.3g}-{high:.3g}"
