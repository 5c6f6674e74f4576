"""Signing in and out, and who may see what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from intakebot.model import Group
from intakebot.store import people, sign_ins
from intakebot.web.app import create_app
from tests.web.forge import EVE, NOW, TOKENS
from tests.web.world import World, csrf


def offer(world: World, token: str, account: str = "2") -> str:
    with world.database.write() as connection:
        sign_ins.offer(connection, token, "git", account, NOW + timedelta(minutes=30))
    return f"/sign-in/{token}"


def test_a_one_time_link_survives_being_looked_at_and_works_once(world: World) -> None:
    link = offer(world, "link-token")
    for _ in range(3):
        assert world.client().get(link).status_code == 200  # previews in chat and mail

    grace = world.client()
    assert grace.post(link, data={"csrf": csrf(grace, link)}).location == "/"
    assert "grace" in grace.get("/").text

    other = world.client()
    assert other.post(link, data={"csrf": csrf(other, link)}).status_code == 401
    assert other.get("/").status_code == 302


def test_an_old_link_does_not_work(world: World) -> None:
    link = offer(world, "link-token")
    world.clock[0] = NOW + timedelta(minutes=31)
    client = world.client()
    assert client.post(link, data={"csrf": csrf(client, link)}).status_code == 401


def test_login_and_forge_token_sign_in_and_lead_back(world: World) -> None:
    client = world.client()
    asked = client.get("/pulls/site/7")
    assert asked.location == "/sign-in?next=/pulls/site/7"
    answer = client.post(
        "/sign-in",
        data={
            "login": "ada",
            "token": TOKENS["ada"],
            "next": "/pulls/site/7",
            "csrf": csrf(client, asked.location),
        },
    )
    assert answer.location == "/pulls/site/7"


@pytest.mark.parametrize(
    "place", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:x", "/\tx"]
)
def test_signing_in_never_leads_to_another_site(world: World, place: str) -> None:
    client = world.client()
    data = {"login": "ada", "token": TOKENS["ada"], "next": place, "csrf": csrf(client, "/sign-in")}
    assert client.post("/sign-in", data=data).location == "/"


@pytest.mark.parametrize("token", ["wrong", "", "ж", "x" * 5_000, "a\0b"])
def test_a_wrong_token_does_not_sign_in(world: World, token: str) -> None:
    client = world.client()
    data = {"login": "ada", "token": token, "csrf": csrf(client, "/sign-in")}
    assert client.post("/sign-in", data=data).status_code == 401
    assert client.get("/").status_code == 302


def test_guessing_is_stopped_for_a_while_also_for_the_right_token(world: World) -> None:
    client = world.client()

    def attempt(token: str) -> Any:
        data = {"login": "ada", "token": token, "csrf": csrf(client, "/sign-in")}
        return client.post("/sign-in", data=data)

    assert [attempt("wrong").status_code for _ in range(11)] == [401] * 10 + [429]
    limited = attempt(TOKENS["ada"])
    assert limited.status_code == 429
    assert 0 < int(limited.headers["Retry-After"]) <= 301
    world.clock[0] = NOW + timedelta(minutes=6)
    assert attempt(TOKENS["ada"]).status_code == 302


def test_guessing_is_counted_by_the_peer_and_not_by_what_it_claims(world: World) -> None:
    client = world.client()
    statuses = [
        client.get(
            "/api/pulls", auth=("ada", "wrong"), headers={"X-Forwarded-For": f"10.0.0.{number}"}
        ).status_code
        for number in range(11)
    ]
    assert statuses[-1] == 429


def test_a_trusted_proxy_names_the_peer_and_a_forged_hop_does_not(world: World) -> None:
    app: Flask = create_app(replace(world.settings, trusted_proxies=1), world.house, {})
    client = app.test_client()

    def status(forwarded: str) -> int:
        answer = client.get(
            "/api/pulls", auth=("ada", "wrong"), headers={"X-Forwarded-For": forwarded}
        )
        return answer.status_code

    assert [status(f"6.6.6.{number}, 10.0.0.1") for number in range(11)][-1] == 429
    assert status("6.6.6.6, 10.0.0.2") == 401
    app.extensions["intakebot"].readiness.close()


def test_signing_out_ends_the_session(world: World) -> None:
    client = world.client("ada")
    assert client.post("/sign-out", data={"csrf": csrf(client, "/")}).status_code == 302
    assert client.get("/").status_code == 302


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(world: World) -> None:
    https = replace(world.settings, public_url="https://intake.example")
    app = create_app(https, world.house, {})
    cookie = app.test_client().get("/sign-in").headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" in cookie
    app.extensions["intakebot"].readiness.close()


@pytest.mark.parametrize("token", ["", "forged", "ж"])
def test_a_form_from_elsewhere_is_refused(world: World, token: str) -> None:
    world.add_pull(7)
    client = world.client("grace")
    data = {"csrf": token, "text": "/merge", "login": "ada", "token": TOKENS["ada"]}
    for path in ("/sign-in", "/sign-in/token", "/sign-out", "/pulls/site/7/comments"):
        assert client.post(path, data=data).status_code == 400
    assert world.forge.said == []
    assert client.get("/").status_code == 200


def test_a_form_made_for_one_session_is_refused_in_another(world: World) -> None:
    world.add_pull(7)
    stolen = csrf(world.client("ada"), "/pulls/site/7")
    grace = world.client("grace")
    answer = grace.post("/pulls/site/7/comments", data={"csrf": stolen, "text": "/merge"})
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/", "/pulls/site/7", "/pulls/site/8", "/pulls/nothing/1"])
def test_nothing_is_shown_before_signing_in(world: World, path: str) -> None:
    world.add_pull(7, "A secret plan")
    answer = world.client().get(path)
    assert answer.status_code == 302
    assert "secret" not in answer.text


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_an_outsider_sees_their_own_pull_requests_and_no_others(world: World, prefix: str) -> None:
    world.add_pull(7, "By ada")
    world.add_pull(8, "By eve", author=EVE)
    world.add_incident()
    eve = world.client("eve")
    listed = eve.get(f"{prefix}/pulls" if prefix else "/").text
    assert "By eve" in listed and "By ada" not in listed and "commits pushed" not in listed
    assert eve.get(f"{prefix}/pulls/site/8").status_code == 200
    hidden, missing = (eve.get(f"{prefix}/pulls/site/{number}") for number in (7, 999))
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert eve.get("/api/incidents").status_code == 404
    assert eve.get("/api/lanes/site/main").status_code == 404


def test_an_outsider_cannot_speak_where_they_cannot_look(world: World) -> None:
    world.add_pull(7)
    eve = world.client("eve")
    data = {"csrf": csrf(eve, "/"), "text": "/status"}
    assert eve.post("/pulls/site/7/comments", data=data).status_code == 404
    body = {"text": "/status"}
    answer = eve.post("/api/pulls/site/7/comments", json=body, auth=("eve", TOKENS["eve"]))
    assert answer.status_code == 404
    assert world.forge.said == []


def test_who_left_the_roster_is_an_outsider_at_the_next_request(world: World) -> None:
    world.add_pull(7)
    ada = world.client("grace")
    assert ada.get("/pulls/site/7").status_code == 200
    with world.database.write() as connection:
        person = people.linked(connection, "git", "2")
        assert person is not None
        people.change(
            connection,
            person,
            name="Grace",
            group=Group.STAFF,
            agency="",
            roles=[],
            valid_until=NOW - timedelta(days=1),
        )
    assert ada.get("/pulls/site/7").status_code == 404


def test_while_the_forge_is_down_signing_in_says_try_again(world: World) -> None:
    world.forge.down = True
    client = world.client()
    data = {"login": "ada", "token": TOKENS["ada"], "csrf": csrf(client, "/sign-in")}
    assert client.post("/sign-in", data=data).status_code == 503
