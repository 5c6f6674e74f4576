"""Reviewers are asked one private question once a pull request is over."""

from __future__ import annotations

from flask.testing import FlaskClient

from intakebot.core.metrics.kept import LEAST_OPINIONS
from intakebot.model import Group, Role
from intakebot.store import people
from intakebot.store.tables import opinions, pulls
from tests.web.forge import EVE, GRACE
from tests.web.world import World, csrf

PAGE = "/pulls/site/7"
QUESTION = "Would you take the next one of ada with a normal review?"


def ended(world: World) -> int:
    pull_id = world.add_pull(7)
    with world.database.write() as connection:
        connection.execute(pulls.update().where(pulls.c.id == pull_id).values(open=False))
    return pull_id


def says(client: FlaskClient, score: str) -> int:
    answer = client.post(f"{PAGE}/opinion", data={"score": score, "csrf": csrf(client, PAGE)})
    return answer.status_code


def kept(world: World) -> list[tuple[str, int]]:
    with world.database.read() as connection:
        rows = connection.execute(opinions.select())
        return [(row.account_id, row.score) for row in rows]


def test_an_answer_can_be_given_changed_and_taken_back(world: World) -> None:
    ended(world)
    grace = world.client("grace")
    assert QUESTION in grace.get(PAGE).text
    for score in ("4", "2"):
        assert says(grace, score) == 302
        assert kept(world) == [(GRACE.id, int(score))]
        assert f'value="{score}" required checked' in grace.get(PAGE).text
    assert says(grace, "0") == 302
    assert kept(world) == [] and "checked" not in grace.get(PAGE).text


def test_nobody_is_asked_before_it_is_over(world: World) -> None:
    world.add_pull(7)
    grace = world.client("grace")
    assert QUESTION not in grace.get(PAGE).text
    assert says(grace, "4") == 404 and kept(world) == []


def test_whoever_sent_it_neither_sees_nor_answers_the_question(world: World) -> None:
    ended(world)
    assert says(world.client("grace"), "1") == 302
    ada = world.client("ada")
    page = ada.get(PAGE).text
    assert "The next one" not in page and "Rather not" not in page
    assert says(ada, "5") == 404
    assert kept(world) == [(GRACE.id, 1)]


def test_what_is_no_answer_is_refused(world: World) -> None:
    ended(world)
    grace = world.client("grace")
    for score in ("", "6", "-1", "five"):
        assert says(grace, score) == 400
    assert grace.post(f"{PAGE}/opinion", data={"score": "4"}).status_code == 400
    assert kept(world) == []


def test_the_question_says_from_how_many_answers_on_they_are_told(world: World) -> None:
    ended(world)
    assert LEAST_OPINIONS == 5
    assert "from five answers on" in world.client("grace").get(PAGE).text


def test_about_people_of_our_own_nobody_is_asked(world: World) -> None:
    pull_id = world.add_pull(7, author=GRACE)
    with world.database.write() as connection:
        connection.execute(pulls.update().where(pulls.c.id == pull_id).values(open=False))
        people.link(
            connection,
            people.add(
                connection, name="Hal", group=Group.STAFF, agency="", roles=[Role.MAINTAINER]
            ),
            "git",
            EVE.id,
            "eve",
        )
    eve = world.client("eve")
    assert "The next one" not in eve.get(PAGE).text
    assert says(eve, "4") == 404 and kept(world) == []
