"""Intervals and estimates, by scipy. Rates are between 0 and 1, intervals are pairs of 95 %."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from math import sqrt

import numpy as np
from scipy import special  # stats has the same and takes a second to load

Interval = tuple[float, float]

Z = 1.96
SEED = 20_261_126  # of the bootstrap: the same rows give the same numbers
# Rows up to which so many resamples are drawn; the more rows, the less each one moves the ends.
RESAMPLES = ((200, 20_000), (2_000, 4_000), (20_000, 2_000))
FEWEST_RESAMPLES = 1_000
AT_ONCE = 200_000  # numbers in memory: so many stay in a processor's cache


def wilson(x: int, n: int) -> Interval:
    if n == 0:
        return 0.0, 1.0
    p, z2 = x / n, Z * Z
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def jeffreys(x: int, n: int) -> Interval:
    if n == 0:
        return 0.0, 1.0
    low, high = _beta_interval(x + 0.5, n - x + 0.5)
    return (0.0 if x == 0 else low), (1.0 if x == n else high)


def garwood(count: int, exposure: float) -> Interval:
    """Of a Poisson rate: count for each unit of exposure."""
    if exposure <= 0:
        return 0.0, float("inf")
    low = float(special.gammaincinv(count, 0.025)) if count else 0.0
    return low / exposure, float(special.gammaincinv(count + 1, 0.975)) / exposure


@cache
def _beta_interval(a: float, b: float) -> Interval:
    low, high = special.betaincinv(a, b, (0.025, 0.975))
    return float(low), float(high)


@cache
def posterior(
    a: float, b: float, ready: float, risk: float
) -> tuple[float, Interval, float, float]:
    """Of Beta(a, b): mean, interval, P(at least `ready`), P(less than `risk`)."""
    at_least, below = special.betaincc(a, b, ready), special.betainc(a, b, risk)
    return a / (a + b), _beta_interval(a, b), float(at_least), float(below)


@cache
def improving(early: int, of_early: int, late: int, of_late: int) -> float:
    """P(the later rate is the higher one), each with Jeffreys' prior, independent."""
    if (early, of_early) == (late, of_late):
        return 0.5
    steps = (np.arange(4000) + 0.5) / 4000
    before = special.betaincinv(early + 0.5, of_early - early + 0.5, steps)
    after = special.betaincc(late + 0.5, of_late - late + 0.5, before)
    return float(np.mean(after))


def percentile(values: Sequence[float], percent: float) -> float | None:
    """By linear interpolation; None of nothing."""
    return float(np.percentile(values, percent)) if values else None


def survival_median(times: Sequence[tuple[float, bool]]) -> float | None:
    """Kaplan and Meier's: the first time at which half or fewer are left. (time, censored) each.

    None where it never comes so far.
    """
    left, share = len(times), 1.0
    gone = Counter(time for time, _ in times)
    ended = Counter(time for time, censored in times if not censored)
    for time in sorted(gone):
        share *= 1 - ended[time] / left
        left -= gone[time]
        if ended[time] and share <= 0.5 + 1e-12:
            return time
    return None


def clustered(counts: Sequence[int], exposures: Sequence[int]) -> Interval | None:
    """Of the ratio of both sums, by drawing whole rows again and again: what clumps in a row
    stays together. None where the exposure is nothing."""
    if not sum(exposures):
        return None
    # Both as one complex number: a drawn row is then looked up once.
    pairs = np.asarray(counts, float) + 1j * np.asarray(exposures, float)
    rows = len(pairs)
    resamples = next((draws for most, draws in RESAMPLES if rows <= most), FEWEST_RESAMPLES)
    random = np.random.default_rng(SEED)
    ratios = []
    at_once = max(1, AT_ONCE // rows)
    for first in range(0, resamples, at_once):
        drawn = random.integers(0, rows, (min(at_once, resamples - first), rows))
        sums = np.take(pairs, drawn).sum(axis=1)
        sums = sums[sums.imag > 0]
        ratios.append(sums.real / sums.imag)
    low, high = np.percentile(np.concatenate(ratios), (2.5, 97.5))
    return float(low), float(high)
