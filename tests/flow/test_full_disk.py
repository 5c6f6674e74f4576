"""A worker whose disk is full breaks nothing, and goes on when there is room."""

from __future__ import annotations

from pathlib import Path

from intakebot.flow.house import House
from tests.databases import OnSqlite
from tests.flow.conftest import SITE, ada, checking_shop, grace
from tests.flow.kept import broken
from tests.flow.workshop import A_WHILE


def test_on_a_full_disk_nothing_is_decided_and_everything_once_there_is_room(
    tmp_path: Path, checking: House
) -> None:
    """On SQLite: another server's disk is its own."""
    with checking_shop(tmp_path, OnSqlite(), checking, SITE) as shop:
        author, maintainer = ada(shop), grace(shop)
        number = shop.opens(author, {"new.html": "<p>New</p>\n"}, branch="new")
        shop.say(maintainer, number, "/approve")
        shop.say(maintainer, number, "/merge")
        before = shop.served("rev-parse", "main")

        shop.settle_without_room()
        assert shop.served("rev-parse", "main") == before

        shop.passes(A_WHILE)
        shop.restart()
        shop.settle()
        shop.settle()
        assert shop.standing(number) == "landed", shop.why(number)
        assert broken(shop.house) == []
