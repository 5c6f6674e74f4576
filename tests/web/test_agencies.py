"""Agencies on the pages: who sees which, who decides, and what the agency says of itself."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from flask.testing import FlaskClient

from intakebot.model import Account, Group, Role
from intakebot.store import people
from tests.web.forge import ADA, EVE, GRACE
from tests.web.world import World, csrf

NORTH, SOUTH = "/agency?name=north", "/agency?name=south"


@pytest.fixture
def two(world: World) -> World:
    """Ada of north and Eve of south have each sent something."""
    enlist(world, EVE, Group.AGENCY, "south", [Role.CONTRIBUTOR])
    world.add_pull(1, "Add a banner to the page")
    world.add_pull(2, "Add a footer to the page", author=EVE)
    return world


def enlist(
    world: World, account: Account, group: Group, agency: str, roles: Iterable[Role]
) -> None:
    with world.database.write() as connection:
        person = people.add(connection, name=account.name, group=group, agency=agency, roles=roles)
        people.link(connection, person, "git", account.id, account.login)


def posts(client: FlaskClient, path: str, **values: str) -> int:
    token = csrf(client, "/agency?name=north")
    return client.post(path, data={"csrf": token, **values}).status_code


def test_the_team_sees_every_agency_and_an_agency_only_itself(two: World) -> None:
    grace, ada = two.client("grace"), two.client("ada")
    page = grace.get("/agencies").text
    assert "north" in page and "south" in page and "0 of 1" not in page
    assert grace.get(SOUTH).status_code == 200
    assert ada.get("/agencies").headers["Location"] == NORTH
    assert ada.get(NORTH).status_code == 200 and "south" not in ada.get(NORTH).text
    for place in (SOUTH, "/agency/report?name=south", "/agency?name=", "/agency?name=nowhere"):
        assert ada.get(place).status_code == 404, place


def test_who_is_on_no_roster_sees_no_agency(world: World) -> None:
    world.add_pull(1)
    eve = world.client("eve")
    for place in ("/agencies", NORTH, "/agency/report?name=north"):
        assert eve.get(place).status_code == 404, place
    assert world.client().get("/agencies").status_code == 302


def test_colleagues_see_each_others_pull_requests_and_no_other_agencys(two: World) -> None:
    ada, eve, grace = two.client("ada"), two.client("eve"), two.client("grace")
    for client, mine, others in ((ada, 1, 2), (eve, 2, 1)):
        assert client.get(f"/pulls/site/{mine}").status_code == 200
        assert client.get(f"/pulls/site/{others}").status_code == 404
        assert f"/pulls/site/{others}" not in client.get("/").text
        found = json.loads(client.get("/api/pulls").text)
        assert [one["number"] for one in found["pulls"]] == [mine]
    assert all(f"/pulls/site/{number}" in grace.get("/").text for number in (1, 2))
    with two.database.write() as connection:
        ada_person = people.linked(connection, "git", ADA.id)
        assert ada_person is not None
        people.link(connection, ada_person, "git", EVE.id, EVE.login)
    assert ada.get("/pulls/site/2").status_code == 200


def test_a_decision_needs_a_reason_and_stands_with_a_name(two: World) -> None:
    grace = two.client("grace")
    decide = "/agency/decision"
    assert "Nobody has decided yet" in grace.get(NORTH).text
    assert posts(grace, decide, name="north", verdict="coaching", reason=" ") == 400
    assert posts(grace, decide, name="north", verdict="burn", reason="No.") == 400
    assert (
        posts(grace, decide, name="north", verdict="coaching", reason="Small <b>steps</b>.") == 302
    )
    page = grace.get(NORTH).text
    assert "Small &lt;b&gt;steps&lt;/b&gt;." in page and GRACE.name in page
    assert "where the advice was “not enough evidence”" in page
    assert "decided by" in grace.get("/agencies").text
    assert posts(grace, decide, name="north", verdict="ready", reason="They do well.") == 302
    page = grace.get(NORTH).text
    assert page.index("They do well.") < page.index("Small &lt;b&gt;steps")
    report = json.loads(grace.get("/agency/report?name=north&format=json").text)
    assert [one["verdict"] for one in report["agencies"]["north"]["decisions"]] == [
        "coaching",
        "ready",
    ]


def test_an_agency_reads_the_decision_comments_on_it_and_decides_nothing(two: World) -> None:
    grace, ada = two.client("grace"), two.client("ada")
    posts(grace, "/agency/decision", name="north", verdict="at risk", reason="Too large.")
    assert "Too large." in ada.get(NORTH).text
    assert posts(ada, "/agency/decision", name="north", verdict="ready", reason="We are.") == 403
    assert posts(ada, "/agency/remark", name="north", text="We had no designs.") == 302
    assert "We had no designs." in grace.get(NORTH).text
    assert posts(ada, "/agency/remark", name="south", text="They too.") == 404
    assert posts(grace, "/agency/remark", name="north", text="Says the boss.") == 403
    assert ada.post("/agency/remark", data={"name": "north", "text": "x"}).status_code == 400


@pytest.mark.parametrize("kind", ["html", "csv", "md", "json"])
def test_a_report_can_be_kept_and_holds_one_agency_alone(two: World, kind: str) -> None:
    answer = two.client("grace").get(f"/agency/report?name=north&format={kind}")
    assert answer.status_code == 200 and "north" in answer.text and "south" not in answer.text
    assert answer.headers["Content-Disposition"] == f'attachment; filename="report.{kind}"'


def test_a_house_without_a_verdict_says_so(world: World) -> None:
    page = world.client("grace").get("/agencies").text
    assert "nothing has been looked at yet" in page and "Nothing came from them yet." in page
    assert "nothing has been looked at yet" in world.client("grace").get(NORTH).text


def test_a_manager_reads_how_things_stand_and_no_code(world: World) -> None:
    world.add_pull(1, "Add a banner to the page")
    enlist(world, EVE, Group.STAFF, "", [Role.MANAGER])
    page = world.client("eve").get("/pulls/site/1").text
    assert "Add a banner to the page" in page and "print(name)" not in page
    assert "print(name)" in world.client("grace").get("/pulls/site/1").text


def test_the_api_tells_each_the_same_as_the_pages(two: World) -> None:
    grace, ada = two.client("grace"), two.client("ada")
    posts(grace, "/agency/decision", name="north", verdict="coaching", reason="Small steps.")
    found = json.loads(grace.get("/api/agencies").text)["agencies"]
    assert [one["name"] for one in found] == ["north", "south"]
    assert found[0]["decision"]["by"] == GRACE.name and found[1]["decision"] is None
    mine = json.loads(ada.get("/api/agencies").text)["agencies"]
    assert [one["name"] for one in mine] == ["north"]
    whole = json.loads(ada.get("/api/agencies/north").text)
    assert whole["agencies"]["north"]["submissions"] == 1 and "south" not in whole["agencies"]
    assert ada.get("/api/agencies/south").status_code == 404
    assert grace.get("/api/agencies/nowhere").status_code == 404
    assert two.client().get("/api/agencies").status_code == 401
