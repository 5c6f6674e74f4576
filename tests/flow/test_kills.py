"""Killed with SIGKILL at any named step, the life of a pull request ends as if nothing had been.

One shop for all: every case is a pull request of its own, from the push to the landing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from intakebot.flow.house import House
from intakebot.flow.survey import discover
from intakebot.flow.sweep import Clock
from intakebot.model import PullState
from intakebot.store.tables import entries, landings, receipts, runs
from intakebot.world.people import Somebody
from tests.crashes import STEPS, cases, named_in_the_code
from tests.databases import Databases
from tests.flow.conftest import CHECKS, SITE, ada, checking_shop, grace
from tests.flow.kept import broken
from tests.flow.workshop import Workshop


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, checking: House
) -> Iterator[tuple[Workshop, Somebody, Somebody]]:
    files = {**SITE, ".intakebot.toml": CHECKS}
    with checking_shop(tmp_path_factory.mktemp("killed"), databases, checking, files) as shop:
        shop.by_hand("main", {"README": "A second commit to start from.\n"})
        yield shop, ada(shop), grace(shop)
        assert broken(shop.house) == []


@pytest.mark.long
@pytest.mark.parametrize(("step", "times"), [case for case in cases("worker") if case[1] == 2])
def test_a_worker_killed_there_loses_nothing_and_nothing_happens_twice(
    house: tuple[Workshop, Somebody, Somebody], step: str, times: int
) -> None:
    """At the second pass, with two pull requests to come there; at the first: see below."""
    shop, _, maintainer = house
    numbers = [opened(house, f"{step}-{times}-{number}") for number in range(times)]
    for number in numbers:
        shop.say(maintainer, number, "/approve")
        shop.say(maintainer, number, "/merge")

    assert shop.settle_in_a_process_that_dies(step, times), f"nobody came to {step} so often"
    shop.restart()
    shop.settle()

    for number in numbers:
        is_landed_once(shop, number)


def test_one_life_survives_a_kill_at_every_step_of_it(
    house: tuple[Workshop, Somebody, Somebody],
) -> None:
    shop, _, maintainer = house
    number = opened(house, "again-and-again")
    shop.say(maintainer, number, "/approve")
    shop.say(maintainer, number, "/merge")
    for step in STEPS["worker"]:
        assert shop.settle_in_a_process_that_dies(step), f"it was over before {step}"
        shop.restart()
    shop.settle()
    is_landed_once(shop, number)


@pytest.mark.parametrize(("step", "times"), cases("clock"))
def test_a_clock_killed_there_leaves_what_is_due_to_the_next_one(
    house: tuple[Workshop, Somebody, Somebody], step: str, times: int
) -> None:
    shop, _, maintainer = house
    number = opened(house, f"{step}-{times}")
    shop.say(maintainer, number, "/approve\n/merge")
    discover(shop.house)
    shop.bell.silent = True
    shop.settle()  # the survey's nudges are kept, and nobody hears a bell
    shop.bell.silent = False
    assert shop.standing(number) == ""
    shop.passes(timedelta(minutes=1))
    assert shop.dies(lambda: sweeps(shop, times), step, times)
    shop.sweep()
    is_landed_once(shop, number)


def sweeps(shop: Workshop, times: int) -> None:
    clock = Clock(shop.house)
    for _ in range(times):
        clock.sweep()


def opened(house: tuple[Workshop, Somebody, Somebody], name: str) -> int:
    """Behind main, so that the merge result is a tree of its own and has to be checked too."""
    shop, author, _ = house
    page = {f"{name}.html": f"<p>{name}</p>\n"}
    return shop.opens(author, page, branch=name, base="origin/main^")


def is_landed_once(shop: Workshop, number: int) -> None:
    assert shop.standing(number) == "landed", shop.why(number)
    assert shop.pull(number).state is PullState.MERGED
    landed_once_and_as_tested(shop, number)
    keys = [mark.key for mark in shop.marks(number)]
    answers = {key for key in keys if key and key.startswith("answer:")}
    assert "status" in keys and len(keys) == len(set(keys)) == 1 + len(answers)


def landed_once_and_as_tested(shop: Workshop, number: int) -> None:
    (landing,) = shop.rows(sa.select(landings).where(landings.c.number == number))
    assert landing.landed_at and landing.deployed_at
    tree = shop.served("rev-parse", f"{landing.commit}^{{tree}}")
    passed = sa.select(runs.c.id).where(runs.c.tree == tree)
    passing = [row.id for row in shop.rows(passed.where(runs.c.outcome == "passed"))]
    assert landing.checks and set(landing.checks) <= set(passing)
    merges = shop.served("log", "--first-parent", "--format=%s", "main")
    assert merges.count(f"Merge pull request #{number}:") == 1
    states = shop.rows(sa.select(entries.c.state).where(entries.c.number == number))
    assert [row.state for row in states] == ["landed"]
    assert shop.rows(sa.select(receipts).where(receipts.c.state == "sending")) == []


def test_every_named_step_is_among_the_cases() -> None:
    assert set(named_in_the_code()) == {step for steps in STEPS.values() for step in steps}
