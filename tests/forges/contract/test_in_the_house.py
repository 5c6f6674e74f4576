"""What people see when the house works on a forge that lags, loses answers or says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from intakebot.model import Comment, Group, Role
from tests.flow.shop import Shop, house_of
from tests.forges.contract.bench import Bench, read

TITLE = "Put a banner on the home page"


@pytest.fixture
def shop(bench: Bench, tmp_path: Path) -> Iterator[Shop]:
    """Ada is of an agency, Wim maintains; no webhook ever comes."""
    house = house_of(tmp_path / "house", bench.forge, bench.clock.now)
    shop = Shop(house, bench.clock, bench.repo_id)
    shop.enrols(bench.id_of("ada"), "ada", Group.AGENCY, agency="Alder")
    shop.enrols(bench.id_of("wim"), "wim", Group.STAFF, role=Role.MAINTAINER)
    yield shop
    shop.house.database.close()


def by_the_bot(bench: Bench, number: int) -> list[Comment]:
    bot = bench.id_of("bot")
    return [one for one in read(bench, number).comments if one.by.id == bot]


@pytest.mark.parametrize("answer", ["came", "was lost"])
def test_what_a_lagging_forge_does_not_show_yet_is_not_said_again(
    bench: Bench, shop: Shop, answer: str
) -> None:
    number = bench.opens(title=TITLE)
    read(bench, number)
    bench.lags()
    if answer == "was lost":
        bench.loses_answer()
    shop.settle()
    assert by_the_bot(bench, number) == []
    shop.restart(bench.fresh())  # the next look is another process's
    for _ in range(3):
        shop.look_again(number)
    bench.recovers()
    assert len(by_the_bot(bench, number)) == 1
    shop.look_again(number)
    shop.settle()
    assert shop.standing(number) == "needs review", shop.why(number)
    assert len(by_the_bot(bench, number)) == 1


def test_what_was_said_though_the_answer_was_lost_is_not_said_again(
    bench: Bench, shop: Shop
) -> None:
    number = bench.opens(title=TITLE)
    bench.loses_answer()
    shop.settle()
    shop.look_again(number)
    shop.settle()
    assert shop.standing(number) == "needs review", shop.why(number)
    assert len(by_the_bot(bench, number)) == 1
    bench.says("wim", number, "/approve")
    shop.settle()
    assert shop.standing(number) == "ready", shop.why(number)
    assert len(by_the_bot(bench, number)) == 2  # the answer to /approve


def test_whoever_cannot_be_looked_up_is_not_obeyed(bench: Bench, shop: Shop) -> None:
    number = bench.opens(title=TITLE)
    shop.settle()
    bench.fails("down", "permissions")
    bench.says("wim", number, "/approve")
    shop.settle()
    assert shop.standing(number) == "needs review", shop.why(number)
    bench.recovers()
    shop.look_again(number)
    assert shop.standing(number) == "needs review", shop.why(number)
    bench.says("wim", number, "/approve")
    shop.settle()
    assert shop.standing(number) == "ready", shop.why(number)
