"""A worker stopped past its lease: another does its work, and the first, when it wakes, none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from intakebot.flow.house import House
from intakebot.store.tables import entries, landings
from intakebot.world.people import Somebody
from tests.databases import Databases
from tests.flow.conftest import CHECKS, SITE, ada, checking_shop, grace
from tests.flow.kept import broken
from tests.flow.workshop import Workshop

pytestmark = pytest.mark.long

# Not inside a transaction: who is stopped there holds SQLite's write lock until going on.
STEPS = (
    "look.after_lease",
    "look.after_forge_read",
    "effect.before_send",
    "run.after_lease",
    "merge.after_build",
    "merge.before_push",
    "merge.after_push_before_record",
    "deploy.before_push",
)


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, checking: House
) -> Iterator[tuple[Workshop, Somebody, Somebody]]:
    files, folder = {**SITE, ".intakebot.toml": CHECKS}, tmp_path_factory.mktemp("paused")
    with checking_shop(folder, databases, checking, files) as shop:
        shop.by_hand("main", {"README": "A second commit to start from.\n"})
        yield shop, ada(shop), grace(shop)


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_that_wakes_up_after_its_lease_does_nothing_twice(
    house: tuple[Workshop, Somebody, Somebody], step: str
) -> None:
    shop, author, maintainer = house
    page = {f"{step}.html": f"<p>{step}</p>\n"}
    number = shop.opens(author, page, branch=step, base="origin/main^")
    shop.say(maintainer, number, "/approve\n/merge")

    with shop.pausing(step) as stopped:
        assert stopped, f"nobody came to {step}"
        shop.restart()
        shop.settle()
        assert shop.standing(number) == "landed", shop.why(number)
        tip = shop.branch("main")

    assert shop.branch("main") == shop.branch("deploy") == tip
    shop.passes(timedelta(minutes=1))
    shop.settle()
    found = shop.rows(sa.select(landings).where(landings.c.number == number))
    assert [row.commit for row in found] == [tip]
    states = shop.rows(sa.select(entries.c.state).where(entries.c.number == number))
    assert [row.state for row in states] == ["landed"]
    keys = [mark.key for mark in shop.marks(number)]
    assert len(keys) == len(set(keys)) == 2
    assert broken(shop.house) == []


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_put_wrong_while_somebody_works_leaves_nothing_waiting_for_it(
    house: tuple[Workshop, Somebody, Somebody], hours: int
) -> None:
    shop, author, maintainer = house
    name = f"clock{hours}"
    number = shop.opens(author, {f"{name}.html": f"<p>{name}</p>\n"}, branch=name)
    shop.say(maintainer, number, "/approve\n/merge")
    shop.passes(timedelta(hours=-min(hours, 0)))
    assert shop.settle_in_a_process_that_dies("look.before_commit")
    shop.passes(timedelta(hours=hours))
    shop.restart()
    shop.settle()
    assert shop.standing(number) == "landed", shop.why(number)
