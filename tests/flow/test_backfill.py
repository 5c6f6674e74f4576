"""Reading the past from a forge: what is told, within its limits, and on from where it ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from intakebot.cli.main import CouldNotTell
from intakebot.cli.past import _read
from intakebot.core.metrics.past import PastPull
from intakebot.flow.backfill import Step, backfill
from intakebot.model import TryLater
from intakebot.report.gather import past_totals
from intakebot.report.whose import Key
from intakebot.store import past
from intakebot.store.database import Database
from intakebot.store.tables import backfills
from intakebot.world.bitbucket_cloud import BitbucketCloud
from tests.crashes import cases
from tests.databases import Databases, everything
from tests.flow import dying
from tests.flow.cloud_shop import CloudShop, open_cloud_shop
from tests.flow.conftest import ada, grace
from tests.flow.workshop import Workshop
from tests.forges.bitbucket_cloud.cast import Cast, Clock

pytestmark = pytest.mark.both
EARLY = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def cloud(tmp_path: Path, databases: Databases) -> Iterator[CloudShop]:
    """Five pull requests that nobody here has looked at: landed, declined, asked about, taken
    back, and one that is open."""
    clock = Clock()
    with (
        databases.house(tmp_path / "state"),
        BitbucketCloud(tmp_path / "cloud", now=clock.now) as world,
    ):
        shop = open_cloud_shop(tmp_path, Cast(world, tmp_path, clock))
        cast = shop.cast
        one, head = cast.opens("one", {"one.html": "one\n"}, title="Put up a banner")
        cast.builds(head, "tests", "success")
        cast.says(cast.bob, one, "Nice.")
        clock.later(minutes=60)
        cast.lands(one)
        two, head = cast.opens("two", {"two.html": "two\n"}, title="Take it down")
        cast.builds(head, "tests", "failure")
        cast.requests_changes(cast.bob, two)
        clock.later(minutes=60)
        cast.declines(cast.bob, two)
        three, _ = cast.opens("three", {"three.html": "three\n"}, title='Revert "Put up a banner"')
        clock.later(minutes=60)
        cast.lands(three)
        cast.opens("four", {"four.html": "four\n"}, title="Still open")
        yield shop
        shop.house.database.close()
        assert world.contract_errors == ()


def read(shop: CloudShop, since: datetime | None = None, limit: int = 1000) -> Step:
    [repo] = shop.cast.forge.repos()
    return backfill(shop.house, repo, since, limit, lambda step: None)


def kept(shop: CloudShop) -> dict[int, PastPull]:
    with shop.house.database.read() as connection:
        return {one.number: one for one in past.everything(connection)}


def test_what_is_over_is_kept_and_what_is_open_is_left_to_the_house(cloud: CloudShop) -> None:
    step = read(cloud)
    assert (step.of, step.read, step.kept) == (4, 4, 3)
    found = kept(cloud)
    assert sorted(found) == [1, 2, 3]
    assert [one.merged for one in found.values()] == [True, False, True]
    assert [one.green for one in found.values()] == [True, False, None]
    assert [one.asked for one in found.values()] == [False, True, False]
    assert found[1].from_fork and found[1].talk == 1 and found[2].talk >= 1
    assert found[1].ended > found[1].opened


def test_a_second_run_asks_for_nothing_that_it_has(cloud: CloudShop) -> None:
    read(cloud)
    before, calls = everything(cloud.house.database), len(cloud.cast.api_calls())
    assert read(cloud).kept == 0
    assert everything(cloud.house.database)["past_pulls"] == before["past_pulls"]
    asked = [one.path for one in cloud.cast.api_calls()[calls:]]
    assert not [path for path in asked if path.endswith(("/1", "/2", "/3"))]


def test_it_goes_on_where_the_limit_of_the_last_run_was(cloud: CloudShop) -> None:
    assert (read(cloud, limit=2).number, sorted(kept(cloud))) == (3, [3])
    assert (read(cloud, limit=1).number, sorted(kept(cloud))) == (2, [2, 3])
    assert (read(cloud).number, sorted(kept(cloud))) == (1, [1, 2, 3])


def test_it_ends_where_it_becomes_older_than_asked(cloud: CloudShop) -> None:
    read(cloud)
    opened = kept(cloud)[3].opened
    with cloud.house.database.write() as connection:
        connection.execute(sa.text("DELETE FROM past_pulls"))
    read(cloud, since=opened)
    assert sorted(kept(cloud)) == [3]
    with cloud.house.database.read() as connection:
        assert connection.scalar(sa.select(backfills.c.next)) == 0
    read(cloud, since=EARLY)
    assert sorted(kept(cloud)) == [1, 2, 3]


def test_it_leaves_half_of_the_hours_calls_to_what_is_of_today(cloud: CloudShop) -> None:
    token = cloud.cast.forge.tokens("read")
    allowance = cloud.cast.forge.api.allowance
    while allowance.left(token) > allowance.limit(token) // 2:
        allowance.spend(token)
    with pytest.raises(TryLater, match="kept for what can't wait"):
        read(cloud)
    [repo] = cloud.cast.forge.repos()
    with pytest.raises(CouldNotTell, match="0 were read; run it again later"):
        _read(cloud.house, repo, None, 1000, waits=False)
    assert kept(cloud) == {}
    cloud.clock.later(minutes=61)
    assert read(cloud).kept == 3


def test_forks_and_commits_that_are_gone_end_nothing(cloud: CloudShop) -> None:
    cloud.cast.cloud.delete_repository("ada/site")
    assert read(cloud).kept == 3
    assert all(one.from_fork for one in kept(cloud).values())


def test_a_commit_that_the_forge_no_longer_has_was_built_by_nobody(cloud: CloudShop) -> None:
    cloud.cast.cloud.mischief.answer(404, "commit/.*/statuses$", times=100)
    assert read(cloud).kept == 3
    assert {one.green for one in kept(cloud).values()} == {None}


@pytest.mark.parametrize(("step", "times"), cases("backfill"))
def test_killed_it_has_lost_nothing_and_reads_nothing_twice(
    cloud: CloudShop, step: str, times: int
) -> None:
    cloud.house.database.close()
    assert dying.dies(lambda: _alone(cloud), step, times)
    before = sorted(kept(cloud))
    assert read(cloud).kept == 3 - len(before)
    assert sorted(kept(cloud)) == [1, 2, 3]


def _alone(shop: CloudShop) -> None:
    """Nothing that is open crosses a fork."""
    shop.cast.forge = shop.cast.new_forge()
    forges = {shop.cast.forge.name: shop.cast.forge}
    database = Database(shop.house.database.url)
    shop.house = replace(shop.house, database=database, forges=forges)
    read(shop)


def test_agencies_are_counted_without_a_verdict_and_without_names(cloud: CloudShop) -> None:
    read(cloud)
    with cloud.house.database.read() as connection:
        [of] = past_totals(connection, Key("secret"))
    assert (of.agency, of.people, of.merged, of.asked, of.green) == (
        *("Alder", 1, (2, 3), (1, 3), (1, 2)),
    )
    assert of.taken_back == (0, 0), "within thirty days nobody can tell yet"


# --- the command ----------------------------------------------------------------------


def test_the_command_says_what_it_read_and_the_report_tells_of_it(shop: Workshop) -> None:
    boss, author = grace(shop), ada(shop)
    old = shop.opens(author, {"old.html": "<p>1</p>\n"}, branch="old", title="Add an old page")
    shop.change(author, old, state="closed")
    run = shop.cli
    done = run("backfill", "site")
    assert done.exit_code == 0, done.output
    assert "site: 1 read, 1 new ones kept" in done.output and "Alder" in done.output
    assert "0 of 1" in done.output and "no part of any verdict" in done.output.replace("\n", " ")
    told = json.loads(run("backfill", "site", "--json").output)
    assert (told["kept"], told["agencies"][0]["merged"]) == (0, [0, 1])
    shop.land(
        boss, shop.opens(author, {"new.html": "<p>2</p>\n"}, branch="new", title="Add a new one")
    )
    text = run("report").output
    assert "Before this house looked" in text and "0 of 1 were merged" in text
    assert json.loads(run("report", "--json").output)["agencies"]["Alder"]["submissions"] == 1


def test_the_command_asks_for_one_past_alone(shop: Workshop) -> None:
    run = shop.cli
    assert "say a repository" in run("backfill").output
    assert run("backfill", "sight").exit_code == 2
    assert "did you mean" in run("backfill", "sote").output.lower()
    assert "go with --git" in run("backfill", "site", "--format", "csv").output
