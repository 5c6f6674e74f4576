"""An hour of ten repositories at Bitbucket Cloud, sixty pull requests open in each, no webhooks.

The house's own clock rings, and what it rings for is done: every list that is read, every look at
what changed, and every look again because of what the bot itself wrote. All REST calls of that
hour are counted where they arrive, at the fake. What came before is not counted: that the house
got to know these repositories, and its first look at each pull request.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from intakebot.flow.survey import discover, survey
from intakebot.flow.sweep import SURVEY_EVERY, Clock
from intakebot.store.tables import pulls, repos
from intakebot.world.bitbucket_cloud import BitbucketCloud
from tests.flow.cloud_shop import CloudShop, open_cloud_shop
from tests.flow.rooms import ROOMS, Work
from tests.forges.bitbucket_cloud.cast import MAIN, Cast
from tests.forges.bitbucket_cloud.cast import Clock as Time

REPOSITORIES, OPEN = 10, 60
HOUR, WITHIN = timedelta(hours=1), timedelta(minutes=3)
WORK = {name: work for name, work in ROOMS.items() if name != "run"}  # checks ask no forge
# The clock sweeps every two seconds; what counts here is how often it sends surveys round.
STEP = SURVEY_EVERY
STEPS, SOON = int(HOUR / STEP), int(WITHIN / STEP)


@dataclass
class Town:
    """`rung` is what the clock and the work rang for, with when."""

    shop: CloudShop
    clock: Clock
    rung: list[tuple[str, datetime]] = field(default_factory=list)

    def passes(self) -> None:
        """Half a minute, and what is rung for meanwhile is done."""
        self.shop.cast.later(STEP.total_seconds() / 60)
        self.clock.sweep()
        self.do(WORK)

    def do(self, work: Mapping[str, Work]) -> None:
        bell = self.shop.bell
        while bell.waiting:
            one = bell.waiting.pop(0)
            self.rung.append((one, self.shop.house.now()))
            kind, _, row = one.partition(":")
            if kind in work:
                work[kind](self.shop.house, int(row))

    def get_to_know(self) -> None:
        """Every list is read, and every pull request counts as looked at."""
        self.shop.cast.later(minutes=3)
        self.clock.sweep()
        self.do({"discover": discover, "survey": survey})
        with self.shop.house.database.write() as connection:
            connection.execute(sa.update(pulls).values(done=pulls.c.wanted))

    def bell_of(self, name: str, number: int) -> str:
        with self.shop.house.database.read() as connection:
            found = connection.scalar(
                sa.select(pulls.c.id)
                .join(repos, repos.c.id == pulls.c.repo_id)
                .where(repos.c.name == name, pulls.c.number == number)
            )
        return f"look:{found}"

    def waited(self, bell: str, since: datetime) -> timedelta:
        """From then until it was first rung for."""
        return next(at for one, at in self.rung if one == bell and at > since) - since


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    time = Time()
    with BitbucketCloud(tmp_path / "cloud", now=time.now) as cloud:
        shop = open_cloud_shop(tmp_path, Cast(cloud, tmp_path, time))
        yield Town(shop, Clock(shop.house))
        shop.house.database.close()
        assert cloud.contract_errors == ()


def test_an_hour_costs_at_most_600_calls_and_news_are_noticed_within_3_minutes(town: Town) -> None:
    cast = town.shop.cast
    banner, _ = cast.opens("banner", title="Put a banner on the home page")
    footer, _ = cast.opens("footer", {"footer.html": "<p>Hi</p>\n"}, title="Put up a footer")
    header, _ = cast.opens("header", {"header.html": "<p>Hi</p>\n"}, title="Put up a header")
    town.shop.settle()
    cast.multiply(banner, OPEN - 2)
    names = [MAIN, *(cast.another(banner, OPEN) for _ in range(REPOSITORIES - 1))]
    town.get_to_know()

    chance = random.Random(20_261_123)
    news: list[tuple[int, Callable[[], object]]] = [
        (banner, lambda: cast.approves(cast.bob, banner)),
        (footer, lambda: cast.says(cast.ada, footer, "/status")),
        (header, lambda: cast.pushes({"header.html": "<p>Ho</p>\n"})),
    ]
    chance.shuffle(news)
    moments = sorted(chance.sample(range(STEPS - SOON), len(news)))
    happened: dict[int, datetime] = {}
    cast.cloud.forget_calls()
    for step in range(STEPS):
        if step in moments:
            number, happens = news[moments.index(step)]
            happens()
            happened[number] = town.shop.house.now()
        town.passes()

    calls = cast.api_calls()
    lists = [one.path for one in calls if one.path.endswith("/pullrequests")]
    assert len(set(lists)) == len(names)
    assert len(calls) <= 600, f"{len(calls)}, {len(lists)} of them for lists"
    waits = {n: town.waited(town.bell_of(MAIN, n), since) for n, since in happened.items()}
    assert set(waits) == {banner, footer, header}
    assert max(waits.values()) <= WITHIN, waits
    assert town.shop.standing(banner) == "ready"
