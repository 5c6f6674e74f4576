"""The learning curve of many submissions, with sizes and repositories taken out."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intakebot.core.metrics.learning import LEAST, learning_of
from intakebot.core.metrics.table import Submission, size_of

LINES = {"S": 50, "M": 200, "L": 400}

ROW = Submission(
    *("1", "Alder", "a1", "site", "S", 50, 1, True, 1, None, False, (), 0),
    *(False, "merged", False, True),
)


def rows(passed: list[bool], sizes: str = "S", repos: str = "a") -> list[Submission]:
    return [
        replace(
            ROW,
            pr=str(n),
            seq=n + 1,
            first_pass=one,
            size=size_of(LINES[sizes[n % len(sizes)]]),
            repo=repos[n % len(repos)],
        )
        for n, one in enumerate(passed)
    ]


def test_below_thirty_one_nothing_is_told() -> None:
    assert learning_of(rows([True] * (LEAST - 1))) is None


def test_who_fails_at_first_and_passes_later_has_learnt() -> None:
    found = learning_of(rows([False] * 10 + [True, False] * 5 + [True] * 20))
    assert found is not None and found.odds > 2 and found.interval[0] > 1


def test_easier_work_later_is_not_learning() -> None:
    """Large changes pass one time in five, small ones four in five, and small ones come later."""
    chance = random.Random(3)
    sizes = ["L"] * 60 + ["S"] * 60
    passed = [chance.random() < (0.2 if size == "L" else 0.8) for size in sizes]
    made = rows(passed, "".join(sizes))
    raw = learning_of(rows(passed))
    fair = learning_of(made)
    assert raw is not None and raw.interval[0] > 1
    assert fair is not None and fair.interval[0] < 1 < fair.interval[1]


@pytest.mark.parametrize("passed", [[True] * 40, [False] * 40])
def test_where_all_pass_or_none_does_nothing_runs_away(passed: list[bool]) -> None:
    found = learning_of(rows(passed, "SML", "ab"))
    assert found is not None
    assert 0.005 < found.interval[0] < 1 < found.interval[1] < 200


@given(st.lists(st.booleans(), min_size=LEAST, max_size=60))
def test_the_opposite_outcomes_give_the_opposite_odds(passed: list[bool]) -> None:
    found = learning_of(rows(passed, "SM"))
    turned = learning_of(rows([not one for one in passed], "SM"))
    assert found is not None and turned is not None
    assert found.odds * turned.odds == pytest.approx(1, rel=1e-4)
    assert found.interval[0] <= found.odds <= found.interval[1]
