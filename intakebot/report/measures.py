"""The measures of one agency as rows, for figures, tables and exports alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from intakebot.core.metrics import numbers
from intakebot.core.metrics.agency import Numbers
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
    unit: Literal["share", "hours", "rounds", "findings per 1000 lines"]
    better: Literal["up", "down", "neither"]
    excluded: int = 0
    cohort: float | None = None


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
        excluded=of.fixes_censored,
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
    yield _share("Q9", "brought new test failures", of.test_failures, of.n, "down")
    yield _share("Q11", "taken back after merging", of.reverted, of.merged, "down")
    yield _share("Q12", "more than 300 changed lines", of.large, of.n, "down")
    yield _share("Q13", "came from a fork", of.forks, of.n, "up")


def _share(
    id: str,
    title: str,
    x: int,
    n: int,
    better: Literal["up", "down", "neither"],
    cohort: float | None = None,
) -> Measure:
    value = x / n if n else None
    interval = numbers.wilson(x, n)
    return Measure(id, title, n, x, value, interval, "Wilson", "share", better, cohort=cohort)


def shown(one: Measure) -> str:
    """Counts for few, a rounded value for others; never more places than it deserves."""
    if one.value is None:
        return "no data"
    if one.unit == "share":
        return f"{100 * one.value:.0f} %"
    return f"{one.value:.3g}"


def shown_range(one: Measure) -> str:
    if one.interval is None or one.n == 0:
        return ""
    low, high = one.interval
    if one.unit == "share":
        return f"{100 * low:.0f}-{100 * high:.0f} %"
    return f"{low:.3g}-{high:.3g}"
