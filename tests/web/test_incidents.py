"""What went past the pull requests: shown, and acknowledged by those who may."""

from __future__ import annotations

import sqlalchemy as sa

from intakebot.model import Account, Incident
from intakebot.store import incidents, lanes, work
from intakebot.store.tables import incidents as incidents_table
from tests.web.forge import ADA, NOW
from tests.web.world import World, csrf

BUTTON = "let things land again"


def freeze(world: World) -> int:
    incident = Incident(
        "past-us:main:a:b", "direct-push", "1", ADA, NOW, "refs/heads/main", "main went from a to b"
    )
    with world.house.database.write() as connection:
        incidents.keep(connection, world.repo_id, [incident])
        lane = work.lane_row(connection, world.repo_id, "main")
        lanes.freeze(connection, lane, "b" * 40, "ada changed main past the pull requests")
        return int(connection.scalar(sa.select(incidents_table.c.id)) or 0)


def frozen(world: World) -> str:
    with world.house.database.read() as connection:
        return lanes.frozen(connection, world.repo_id, "main")


def test_a_maintainer_acknowledges_it_on_the_page_and_things_land_again(world: World) -> None:
    number = freeze(world)
    grace = world.client("grace")
    page = grace.get("/").text
    assert "ada changed main past the pull requests" in page and BUTTON in page
    answer = grace.post(f"/incidents/{number}/acknowledge", data={"csrf": csrf(grace, "/")})
    assert answer.status_code == 302
    assert frozen(world) == ""
    assert BUTTON not in grace.get("/").text and "acknowledged" in grace.get("/").text


def test_nobody_else_can_acknowledge_it(world: World) -> None:
    number = freeze(world)
    world.add_pull(7)
    ada = world.client("ada")
    assert BUTTON not in ada.get("/").text
    token = csrf(ada, "/pulls/site/7")
    answer = ada.post(f"/incidents/{number}/acknowledge", data={"csrf": token})
    assert answer.status_code == 403
    grace = world.client("grace")
    assert grace.post(f"/incidents/{number}/acknowledge", data={"csrf": "wrong"}).status_code == 400
    assert frozen(world) != ""


def test_a_repository_that_is_not_behind_the_gate_is_shown_with_what_to_run(world: World) -> None:
    said = "acme/new is not behind the gate: no token. Run: intakebot connect ... acme/new --yes"
    alarm = Incident("outside:{1}", "outside", "{1}", Account("", "intakebot"), NOW, "", said)
    with world.house.database.write() as connection:
        repo = work.repo_row(connection, "bitbucket-cloud", "{1}")
        work.describe_repo(connection, repo, name="acme/new")
        assert incidents.raise_alarm(connection, repo, alarm, "intakebot")
        assert not incidents.raise_alarm(connection, repo, alarm, "intakebot")
    assert said in world.client("grace").get("/").text
    assert said not in world.client("eve").get("/").text
    with world.house.database.write() as connection:
        [row] = incidents.outside(connection)
        incidents.acknowledge(connection, row.id, "intakebot", NOW)
    assert said not in world.client("grace").get("/").text
    with world.house.database.write() as connection:
        assert incidents.raise_alarm(connection, repo, alarm, "intakebot"), "it is outside again"
