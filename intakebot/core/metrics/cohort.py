"""What an agency is compared with: all of them together, and the mix of its own changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import special

from intakebot.core.metrics.numbers import Interval
from intakebot.core.metrics.table import Submission

LEAST, MOST, STEP = 4.0, 40.0, 0.5  # submissions that the cohort is worth
FEW_AGENCIES = 3
DEVIATIONS_95, DEVIATIONS_998 = 1.96, 3.09


@dataclass(frozen=True, slots=True)
class Cohort:
    """`mean` is the share that passes at first; the starting assumption of each agency is worth
    `worth` submissions at `prior`. `is_fixed` where there are too few agencies to take it from."""

    n: int
    passes: int
    agencies: int
    mean: float
    prior: float
    worth: float
    is_fixed: bool
    strata: Mapping[tuple[str, str], tuple[int, int]]  # repo and size -> passes, submissions
    reverted: float  # the share of merged ones that were taken back

    def expected(self, rows: Sequence[Submission]) -> float:
        """How many of these would pass if each passed as often as its like."""
        return sum(self._like(one) for one in rows)

    def _like(self, one: Submission) -> float:
        passes, n = self.strata[one.repo, one.size]
        return (passes + 2 * self.mean) / (n + 2)

    def funnel(self, n: int, deviations: float) -> Interval:
        """Where the share of an agency with n submissions lies by chance alone."""
        half = deviations * sqrt(self.mean * (1 - self.mean) / n)
        return max(0.0, self.mean - half), min(1.0, self.mean + half)


def cohort_of(rows: Sequence[Submission]) -> Cohort:
    by_agency: dict[str, tuple[int, int]] = {}
    strata: dict[tuple[str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for one in rows:
        passes, n = by_agency.get(one.agency, (0, 0))
        by_agency[one.agency] = (passes + one.first_pass, n + 1)
        passes, n = strata[one.repo, one.size]
        strata[one.repo, one.size] = (passes + one.first_pass, n + 1)
    n, passes = len(rows), sum(one.first_pass for one in rows)
    mean = (passes + 0.5) / (n + 1)
    if n and max(of for _, of in by_agency.values()) > n / 2:  # it would be compared with itself
        mean = float(np.mean([x / of for x, of in sorted(by_agency.values())]))
    is_fixed = len(by_agency) < FEW_AGENCIES
    if is_fixed:
        mean = (passes + 0.5) / (n + 1)
    merged = [
        one.reverted
        for one in rows
        if one.state == "merged" and (one.seen is None or not one.seen.young)
    ]
    return Cohort(
        n=n,
        passes=passes,
        agencies=len(by_agency),
        mean=mean,
        prior=0.5 if is_fixed else mean,
        worth=2.0 if is_fixed else _worth(mean, sorted(by_agency.values())),
        is_fixed=is_fixed,
        strata=dict(strata),
        reverted=sum(merged) / len(merged) if merged else 0.0,
    )


def _worth(mean: float, counts: Sequence[tuple[int, int]]) -> float:
    """The most likely concentration of a beta-binomial around `mean`, on a grid within bounds:
    a few agencies can't fix it."""
    grid = np.arange(LEAST, MOST + STEP, STEP)
    likely = np.zeros_like(grid)
    mean = min(max(mean, 1e-9), 1 - 1e-9)
    for x, n in counts:
        a, b = mean * grid, (1 - mean) * grid
        likely += special.betaln(a + x, b + n - x) - special.betaln(a, b)
    return float(grid[int(np.argmax(likely))])
