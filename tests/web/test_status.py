"""The page about the house itself, for those who look after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from flask.testing import FlaskClient

from intakebot.flow.connect_words import Check
from intakebot.web.app import create_app
from intakebot.wiring import dialects
from tests.web.html import shown
from tests.web.world import World

FEW = Check(
    "warn", "calls left of the read token", "150 of the 1000", "it passes <b>within</b> the hour"
)


@contextmanager
def with_upkeep(world: World, checks: Iterable[Check]) -> Iterator[World]:
    app = create_app(world.settings, replace(world.house, upkeep=lambda: checks), dialects())
    yield replace(world, app=app)
    app.extensions["intakebot"].readiness.close()


def link(client: FlaskClient) -> bool:
    return 'href="/status"' in client.get("/").text


def test_a_maintainer_sees_what_is_to_be_done_and_how(world: World) -> None:
    with with_upkeep(world, [FEW, Check("ok", "another", "fine", "never shown")]) as world:
        grace = world.client("grace")
        page = shown(grace, "/status")
        assert "calls left of the read token: 150 of the 1000" in page.text
        assert "it passes <b>within</b> the hour" in page.text and page.active() == []
        assert "another: fine" in page.text and "never shown" not in page.text
        assert link(grace)


def test_nobody_else_sees_it(world: World) -> None:
    with with_upkeep(world, [FEW]) as world:
        for login in ("ada", "eve"):
            client = world.client(login)
            answer = client.get("/status")
            assert answer.status_code == 403 and "150 of" not in answer.text
            assert not link(client)
        answer = world.client().get("/status")
        assert answer.status_code == 302 and "/sign-in" in answer.headers["Location"]


def test_a_house_without_limits_says_so(world: World) -> None:
    assert "needs nothing" in shown(world.client("grace"), "/status").text
