"""Signing in at Bitbucket's own pages: a browser goes there, says yes or no, and comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask.testing import FlaskClient

from intakebot.credentials import Secret
from intakebot.forges.bitbucket_cloud.people import Me
from intakebot.forges.bitbucket_cloud.sign_in import ASK_AT, BitbucketSignIn
from intakebot.model import Group, Role
from intakebot.store import people
from intakebot.web.app import create_app
from intakebot.wiring import dialects
from intakebot.world.bitbucket_cloud import BitbucketCloud
from intakebot.world.bitbucket_cloud.mischief import Mischief
from intakebot.world.bitbucket_cloud.oauth import CODE_LASTS, PLACE
from intakebot.world.bitbucket_cloud.state import Consumer
from tests.forges.bitbucket_cloud.cast import Cast, Clock
from tests.web.world import World

FORGE = "bitbucket-cloud"
START = f"/sign-in/at/{FORGE}"
BACK = f"http://intake.example{START}/back"


@dataclass
class Door:
    """The pages with Bitbucket Cloud beside the Git forge, and a consumer to sign in by."""

    world: World
    cast: Cast
    consumer: Consumer
    secret: Secret

    def browser(self) -> FlaskClient:
        return self.world.app.test_client()

    def goes(self, browser: FlaskClient, wanted: str = "/lanes") -> str:
        """To Bitbucket's page, by the link on ours."""
        assert f'href="{START}?next={wanted}"' in browser.get(f"/sign-in?next={wanted}").text
        answer = browser.get(START, query_string={"next": wanted})
        assert answer.status_code == 302, answer.text
        return answer.location

    def says(self, place: str, who: str) -> str:
        """What Bitbucket's page leads to, once somebody has let us know who they are."""
        assert "Confirm access" in requests.get(place, timeout=10).text
        answer = requests.post(place, data={"as": who}, timeout=10, allow_redirects=False)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def signs_in(self, browser: FlaskClient, who: str) -> str:
        back = self.says(self.goes(browser), who)
        return browser.get(back.removeprefix("http://intake.example")).location


@pytest.fixture
def door(world: World, tmp_path: Path) -> Iterator[Door]:
    clock = Clock()
    with BitbucketCloud(tmp_path / "cloud", now=clock.now) as cloud:
        cast = Cast(cloud, tmp_path, clock)
        consumer = cloud.consumer("bob", ["read:user:bitbucket"], callback=BACK)
        secret = Secret(consumer.secret, "BITBUCKET_SIGN_IN_OAUTH_SECRET", key=consumer.key)
        made = Door(world, cast, consumer, secret)
        sign_in = BitbucketSignIn(
            cloud.git_url, lambda: made.secret, cast.forge.api, Me(cast.forge.api)
        )
        world.house = replace(
            world.house,
            forges={**world.house.forges, FORGE: cast.forge},
            sign_ins={FORGE: sign_in},
        )
        world.app.extensions["intakebot"].readiness.close()
        world.app = create_app(world.settings, world.house, dialects())
        yield made


def test_who_says_yes_is_signed_in_and_led_on(door: Door) -> None:
    with door.world.database.write() as connection:
        person = people.add(
            connection, name="Ada", group=Group.AGENCY, agency="north", roles=[Role.CONTRIBUTOR]
        )
        people.link(connection, person, FORGE, door.cast.ada.uuid, "ada")
    browser = door.browser()
    assert door.signs_in(browser, "ada") == "/lanes"
    page = browser.get("/")
    assert page.status_code == 200 and "ada" in page.text and "My agency" in page.text


def test_the_consumer_is_shown_only_who_it_is_and_its_token_is_kept_nowhere(door: Door) -> None:
    browser = door.browser()
    door.signs_in(browser, "ada")
    asked = [one for one in door.cast.cloud.calls if one.by == "ada" and one.token]
    assert [(one.method, one.path) for one in asked] == [("GET", "/user")]
    cookie = browser.get_cookie("intakebot")
    assert cookie is not None and asked[0].token not in cookie.decoded_value
    query = parse_qs(urlsplit(door.goes(door.browser())).query)
    assert query["client_id"] == [door.consumer.key] and query["redirect_uri"] == [BACK]


def test_who_declines_stays_outside_and_is_told(door: Door) -> None:
    browser = door.browser()
    back = door.says(door.goes(browser), "")
    answer = browser.get(back.removeprefix("http://intake.example"))
    assert answer.status_code == 401
    assert "Bitbucket has not told us who you are." in answer.text
    assert browser.get("/lanes").status_code == 302


def test_nobody_is_signed_in_by_a_link_that_another_began(door: Door) -> None:
    ada, eve = door.browser(), door.browser()
    link = door.says(door.goes(eve), "bob").removeprefix("http://intake.example")
    for browser in (ada, door.browser()):
        assert browser.get(link).status_code == 400
    door.goes(ada)
    answer = ada.get(link)
    assert answer.status_code == 400 and "Please begin again" in answer.text
    assert ada.get("/lanes").status_code == 302


def test_a_way_back_leads_in_once(door: Door) -> None:
    browser = door.browser()
    link = door.says(door.goes(browser), "ada").removeprefix("http://intake.example")
    assert browser.get(link).status_code == 302
    assert browser.get(link).status_code == 400
    assert door.browser().get(link).status_code == 400


def test_a_code_that_the_product_does_not_know_proves_nobody(door: Door) -> None:
    browser = door.browser()
    back = door.says(door.goes(browser), "ada").removeprefix("http://intake.example")
    door.cast.later(CODE_LASTS.total_seconds() / 60)
    answer = browser.get(back)
    assert answer.status_code == 401 and "does not know this sign-in" in answer.text


def test_the_bots_own_account_is_no_person(door: Door) -> None:
    browser = door.browser()
    back = door.says(door.goes(browser), "intakebot").removeprefix("http://intake.example")
    assert browser.get(back).status_code == 401


def test_made_up_ways_back_are_slowed(door: Door) -> None:
    browser = door.browser()
    tries = [browser.get(f"{START}/back?state=x&code=y").status_code for _ in range(11)]
    assert tries == [400] * 10 + [429]


TRAPS: dict[str, Callable[[Mischief], None]] = {
    "down": lambda mischief: mischief.answer(503, f"POST {PLACE}"),
    "a page for people": lambda mischief: mischief.html(f"POST {PLACE}"),
    "cut": lambda mischief: mischief.cut(f"POST {PLACE}"),
    "its account is not told": lambda mischief: mischief.answer(503, "GET /user", times=3),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_while_the_product_is_down_the_visitor_may_try_again(door: Door, trap: str) -> None:
    browser = door.browser()
    back = door.says(door.goes(browser), "ada").removeprefix("http://intake.example")
    TRAPS[trap](door.cast.cloud.mischief)
    answer = browser.get(back)
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    door.cast.cloud.mischief.clear()
    assert door.signs_in(browser, "ada") == "/lanes"


def test_a_consumer_that_is_refused_is_the_operators_to_mend(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    door.secret = replace(door.secret, text="rotated")
    browser = door.browser()
    back = door.says(door.goes(browser), "ada").removeprefix("http://intake.example")
    assert browser.get(back).status_code == 503
    told = " ".join(str(vars(record).get("fields")) for record in caplog.records)
    assert f"its callback URL must be {BACK}" in told
    assert "rotated" not in told


def test_where_no_consumer_is_set_there_is_no_such_door(world: World) -> None:
    browser = world.client()
    assert "Sign in with" not in browser.get("/sign-in").text
    for place in (START, f"{START}/back?state=x&code=y"):
        assert browser.get(place).status_code == 404


def test_the_fake_leads_back_to_the_registered_place_alone(door: Door) -> None:
    site = door.cast.cloud.git_url
    asked = {"client_id": door.consumer.key, "response_type": "code"}
    for wrong in ({"redirect_uri": "https://evil.example/"}, {"client_id": "other"}):
        answer = requests.get(site + ASK_AT, params=asked | wrong, timeout=10)
        assert answer.status_code == 400
