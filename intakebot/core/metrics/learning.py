"""The learning curve beyond a few dozen submissions: does the chance of passing grow with practice?

Logistic regression of "passed at first check" on log2 of the submission's number, with a term for
each size and repository, so that easier tasks later are not taken for learning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from intakebot.core.metrics.numbers import Interval, Z
from intakebot.core.metrics.table import Submission

LEAST = 31  # submissions; below it halves are compared
# A normal prior on each coefficient (not on the constant) keeps it finite where all pass or none
# does: odds of more than a hundredfold by one doubling are not to be believed.
SPREAD = 2.5
MOST_STEPS = 50
ENOUGH = 1e-9

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Learning:
    """`odds` is what each doubling of the number multiplies the odds of passing by."""

    odds: float
    interval: Interval


def learning_of(rows: Sequence[Submission]) -> Learning | None:
    """`rows` in order; None below LEAST."""
    if len(rows) < LEAST:
        return None
    passed = np.array([one.first_pass for one in rows], float)
    slope, error = _slope(_design(rows), passed)
    low, high = np.exp(slope - Z * error), np.exp(slope + Z * error)
    return Learning(float(np.exp(slope)), (float(low), float(high)))


def _design(rows: Sequence[Submission]) -> Numbers:
    """Columns: 1, log2 of the number around its mean, and a mark for each size and repository but
    the first of each."""
    number = np.log2(np.arange(1, len(rows) + 1, dtype=float))
    columns = [np.ones(len(rows)), number - number.mean()]
    for of in ([one.size for one in rows], [one.repo for one in rows]):
        columns += [np.array([one == each for one in of], float) for each in sorted(set(of))[1:]]
    return np.column_stack(columns)


def _slope(design: Numbers, passed: Numbers) -> tuple[float, float]:
    """Of the second column, and its standard error: Newton's steps to the posterior mode."""
    precision = np.diag([0.0, *[SPREAD**-2] * (design.shape[1] - 1)])
    precision[0, 0] = 1e-6  # where all pass the constant alone would run away
    at = np.zeros(design.shape[1])
    curve = precision
    for _ in range(MOST_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ at, -30, 30)))
        curve = design.T @ (design * (chance * (1 - chance))[:, None]) + precision
        step = np.linalg.solve(curve, design.T @ (passed - chance) - precision @ at)
        # A long step may overshoot where the curve is flat.
        at = at + step * min(1.0, 5 / max(np.abs(step).max(), 1e-12))
        if np.abs(step).max() < ENOUGH:
            break
    return float(at[1]), float(np.sqrt(np.linalg.inv(curve)[1, 1]))
