"""Killed with SIGKILL at any named step, the life of a pull request ends as if nothing had been.

One shop for all: every case is a pull request of its own, from the push to the landing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

import intakebot
from intakebot.flow.house import House
from intakebot.model import PullState
from intakebot.store.tables import entries, landings, receipts, runs
from intakebot.world.people import Somebody
from tests.flow.conftest import CHECKS, SITE, ada, checking_shop, grace
from tests.flow.kept import broken
from tests.flow.workshop import Workshop

# Step -> how many processes in a row die there, the second one at its second pass.
STEPS = {
    "sweep.mid": 1,
    "look.after_lease": 2,
    "look.after_forge_read": 2,
    "look.before_commit": 2,
    "look.after_commit": 2,
    "look.before_done": 2,
    "fetch.after_ref_update": 1,
    "effect.before_send": 2,
    "effect.after_send": 2,
    "run.after_lease": 2,
    "run.before_commit": 2,
    "lane.after_lease": 2,
    "merge.after_build": 2,
    "merge.after_test_pass": 1,
    "merge.before_push": 1,
    "merge.after_push_before_record": 1,
    "merge.after_record": 1,
    "deploy.before_push": 1,
    "deploy.after_push_before_record": 1,
}
# Shown where the thing lives: the door, the Git forge, the schema.
ELSEWHERE = ("hook.", "forge.", "migrate.", "connect.")


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, checking: House
) -> Iterator[tuple[Workshop, Somebody, Somebody]]:
    files = {**SITE, ".intakebot.toml": CHECKS}
    with checking_shop(tmp_path_factory.mktemp("killed"), checking, files) as shop:
        shop.by_hand("main", {"README": "A second commit to start from.\n"})
        yield shop, ada(shop), grace(shop)


@pytest.mark.parametrize(("step", "deaths"), STEPS.items())
def test_whoever_is_killed_there_loses_nothing_and_nothing_happens_twice(
    house: tuple[Workshop, Somebody, Somebody], step: str, deaths: int
) -> None:
    shop, author, maintainer = house
    # Behind main, so that the merge result is a tree of its own and has to be checked too.
    number = shop.opens(
        author, {f"{step}.html": f"<p>{step}</p>\n"}, branch=step, base="origin/main^"
    )
    shop.say(maintainer, number, "/approve")
    shop.say(maintainer, number, "/merge")

    for times in range(1, deaths + 1):
        assert shop.settle_in_a_process_that_dies(step, times), f"nobody came to {step}"
        shop.restart()
    shop.settle()

    assert shop.standing(number) == "landed", shop.why(number)
    assert shop.pull(number).state is PullState.MERGED
    landed_once_and_as_tested(shop, number)
    assert broken(shop.house) == []
    keys = [mark.key for mark in shop.marks(number)]
    assert "status" in keys and len(keys) == 3  # and an answer to each of the two commands
    assert len(set(keys)) == 3


def landed_once_and_as_tested(shop: Workshop, number: int) -> None:
    (landing,) = shop.rows(sa.select(landings).where(landings.c.number == number))
    assert landing.landed_at and landing.deployed_at
    assert landing.commit == shop.branch("main") == shop.branch("deploy")
    passed = sa.select(runs.c.id).where(runs.c.tree == shop.tree("deploy"))
    passing = [row.id for row in shop.rows(passed.where(runs.c.outcome == "passed"))]
    assert landing.checks and set(landing.checks) <= set(passing)
    merges = shop.served("log", "--first-parent", "--format=%s", "main")
    assert merges.count(f"Merge pull request #{number}:") == 1
    states = shop.rows(sa.select(entries.c.state).where(entries.c.number == number))
    assert [row.state for row in states] == ["landed"]
    assert shop.rows(sa.select(receipts).where(receipts.c.state == "sending")) == []


def test_every_named_step_has_its_case_here_or_where_it_lives() -> None:
    named = {
        node.args[0].value
        for path in Path(intakebot.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "crashpoint"
        and isinstance(node.args[0], ast.Constant)
    }
    ours = {str(name) for name in named if not str(name).startswith(ELSEWHERE)}
    assert ours == set(STEPS)
