"""Title, description, target and draft, changed from the page by those who may."""

from __future__ import annotations

from dataclasses import replace

from intakebot.model import PullState
from tests.web.forge import GRACE
from tests.web.html import shown
from tests.web.world import World, csrf

PULL = "/pulls/site/7"
WISH = {"title": "A better title", "description": "Why\r\nso", "target": "next", "draft": "on"}


def test_the_author_changes_what_the_pull_request_says_of_itself(world: World) -> None:
    world.add_pull(7)
    ada = world.client("ada")
    answer = ada.post(f"{PULL}/wording", data={**WISH, "csrf": csrf(ada, PULL)})
    assert answer.location == PULL
    found = world.forge.found[7]
    assert (found.title, found.description, found.target) == ("A better title", "Why\nso", "next")
    assert found.draft
    assert 'value="A better title"' in ada.get(PULL).text


def test_an_unticked_draft_is_ready(world: World) -> None:
    world.add_pull(7)
    ada = world.client("ada")
    for ticked in (True, False):
        wish = {**WISH, "csrf": csrf(ada, PULL)}
        if not ticked:
            del wish["draft"]
        ada.post(f"{PULL}/wording", data=wish)
        assert world.forge.found[7].draft is ticked


def test_a_refusal_of_the_forge_is_shown_and_nothing_changes(world: World) -> None:
    world.add_pull(7)
    world.forge.found[7] = replace(world.forge.found[7], author=GRACE)
    before = world.forge.found[7]
    ada = world.client("ada")
    answer = ada.post(f"{PULL}/wording", data={**WISH, "csrf": csrf(ada, PULL)})
    assert answer.status_code == 400
    assert "Only its author may change this." in answer.text
    assert world.forge.found[7] == before


def test_a_form_from_elsewhere_is_refused(world: World) -> None:
    world.add_pull(7)
    before = world.forge.found[7]
    assert world.client("ada").post(f"{PULL}/wording", data=WISH).status_code == 400
    assert world.forge.found[7] == before


def test_a_forge_that_is_down_is_said_and_nothing_is_lost(world: World) -> None:
    world.add_pull(7)
    ada = world.client("ada")
    token = csrf(ada, PULL)
    world.forge.down = True
    answer = ada.post(f"{PULL}/wording", data={**WISH, "csrf": token})
    assert answer.status_code == 503
    assert "nothing was changed" in answer.text


def test_only_an_open_pull_request_has_the_form(world: World) -> None:
    world.add_pull(7)
    ada = world.client("ada")
    assert "Change title" in shown(ada, PULL).text
    world.forge.found[7] = replace(world.forge.found[7], state=PullState.CLOSED)
    assert "Change title" not in shown(ada, PULL).text
