"""Today, lanes, incidents, people, the audit and rules: who sees them, and what they say."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from intakebot.model import Group, Role, State, Turn
from intakebot.report import gather, onboarding
from intakebot.settings import rule_files
from intakebot.store import lanes, people, work
from intakebot.store.tables import landings
from tests.web.forge import ADA, EVE, GRACE, NOW
from tests.web.test_incidents import freeze
from tests.web.world import World, csrf

TEAM = ("/lanes", "/incidents", "/people", "/audit", "/rules")


def test_what_is_of_the_whole_house_does_not_exist_for_others(world: World) -> None:
    for login in ("ada", "eve"):
        client = world.client(login)
        assert [client.get(path).status_code for path in TEAM] == [404] * len(TEAM), login
        assert client.get("/today").status_code == 200
    grace = world.client("grace")
    assert [grace.get(path).status_code for path in TEAM] == [200] * len(TEAM)
    assert world.client().get("/today").status_code == 302


def test_today_shows_each_what_waits_for_them(world: World) -> None:
    world.add_pull(1, "Mend the footer of the page")
    world.add_pull(2, "Add a banner", state=State.NEEDS_REVIEW, turn=Turn.REVIEWER)
    grace, ada = world.client("grace").get("/today").text, world.client("ada").get("/today").text
    assert "Add a banner" in grace and "Mend the footer" not in grace
    assert "Mend the footer" in ada and "Add a banner" not in ada
    assert "Nothing waits for you" in world.client("eve").get("/today").text


def test_today_says_first_what_is_wrong(world: World) -> None:
    freeze(world)
    page = world.client("grace").get("/today").text
    assert page.index("Something is wrong") < page.index("nothing lands there until somebody")
    assert "Something is wrong" not in world.client("ada").get("/today").text


def test_an_agency_that_is_new_no_longer_is_there_to_be_decided_on(world: World) -> None:
    world.add_pull(1, "Add a banner to the page")
    grace = world.client("grace")
    grace.get("/agencies")  # where a report is made; today does not wait for one
    assert "Agencies to decide on" not in grace.get("/today").text
    world.clock[0] = NOW + timedelta(days=31)
    grace = world.client("grace")
    assert "Agencies to decide on" in grace.get("/today").text
    token = csrf(grace, "/agency?name=north")
    said = {"csrf": token, "name": "north", "verdict": "coaching", "reason": "They begin well."}
    assert grace.post("/agency/decision", data=said).status_code == 302
    assert "Agencies to decide on" not in grace.get("/today").text


def test_an_agency_that_was_told_of_is_there_before_anybody_asks_for_a_report(
    world: World,
) -> None:
    world.add_pull(1, "Add a banner to the page")
    world.clock[0] = NOW + timedelta(days=31)
    make = partial(gather.of_house, world.database, world.settings)
    onboarding.tell(world.database, make, str, (), world.clock[0])
    grace, ada = world.client("grace"), world.client("ada")
    assert "Agencies to decide on" in grace.get("/today").text
    assert "Agencies to decide on" not in ada.get("/today").text
    token = csrf(grace, "/agency?name=north")
    said = {"csrf": token, "name": "north", "verdict": "coaching", "reason": "They begin well."}
    assert grace.post("/agency/decision", data=said).status_code == 302
    assert "Agencies to decide on" not in world.client("grace").get("/today").text


def test_a_lane_shows_who_waits_at_which_place_and_how_long_it_takes(world: World) -> None:
    one, two = world.add_pull(1), world.add_pull(2, "Add a second banner")
    world.land(one, 1)
    with world.database.write() as connection:
        lane = work.lane_row(connection, world.repo_id, "main")
        lanes.enter(connection, lane, two, 2, world.head, GRACE.id, "grace", NOW, NOW)
    page = world.client("grace").get("/lanes").text
    assert "<b>1.</b>" in page and "asked by grace" in page and "usually landed by" in page
    assert "Landed last:" in page


def test_the_audit_shows_what_does_not_fit_any_more(world: World) -> None:
    pull = world.add_pull(1)
    world.land(pull, 1)
    world.add_receipt(pull)
    grace = world.client("grace")
    assert "All 3 fit." in grace.get("/audit").text
    assert "1 fit." in grace.get("/audit?below=2").text
    with world.database.write() as connection:
        connection.execute(sa.update(landings).values(asked_login="somebody"))
    page = grace.get("/audit").text
    assert "<b>1</b> of these do not fit" in page
    assert "what it seals was changed or is gone" in page


def test_people_are_listed_with_their_agency_and_until_when(world: World) -> None:
    with world.database.write() as connection:
        left = people.add(
            connection, name="Zoe", group=Group.AGENCY, agency="north", roles=[], valid_until=NOW
        )
        people.link(connection, left, "git", "9", "zoe")
    page = world.client("grace").get("/people").text
    assert "until 2026-03-02" in page and ADA.name in page and EVE.name not in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=BANNER", [1]),
        ("q=eve", [2]),
        ("q=%232", [2]),
        ("q=100%25", [3]),
        ("turn=reviewer", [3]),
        ("repo=site&sort=oldest", [1, 2, 3]),
        ("sort=author", [3, 1, 2]),
        ("q=nothing-like-it", []),
    ],
)
def test_the_list_is_searched_and_sorted(world: World, query: str, found: list[int]) -> None:
    world.add_pull(1, "Add a banner")
    world.add_pull(2, "Mend the footer", author=EVE)
    world.add_pull(3, "Use 100% of it", state=State.NEEDS_REVIEW, turn=Turn.REVIEWER)
    page = world.client("grace").get(f"/?{query}").text
    places = {number: page.find(f'href="/pulls/site/{number}"') for number in (1, 2, 3)}
    assert sorted((n for n in places if places[n] > 0), key=lambda n: places[n]) == found
    said = world.client("grace").get(f"/api/pulls?{query}").json
    assert said is not None and [one["number"] for one in said["pulls"]] == found


def test_a_word_that_there_is_not_is_named_with_those_there_are(world: World) -> None:
    answer = world.client("grace").get("/?sort=beauty")
    assert answer.status_code == 400 and "newest, oldest, repository, author" in answer.text


def test_only_those_who_operate_try_rules(world: World) -> None:
    with world.database.write() as connection:
        boss = people.add(
            connection, name="Eve", group=Group.STAFF, agency="", roles=[Role.MANAGER]
        )
        people.link(connection, boss, "git", EVE.id, EVE.login)
    draft = {"draft": rule_files()["small-enough.toml"]}
    for login, status in (("grace", 200), ("eve", 403), ("ada", 404)):
        client = world.client(login)
        token = csrf(client, "/agencies") if login == "eve" else csrf(client, "/")
        assert client.post("/rules", data={**draft, "csrf": token}).status_code == status, login
    grace = world.client("grace")
    assert grace.post("/rules", data=draft).status_code == 400
