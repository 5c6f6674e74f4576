"""The JSON API and the two health addresses."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intakebot.model import State, Turn, VerdictState
from intakebot.store import lanes, work
from intakebot.web.openapi import DOCUMENT
from tests.web.evidence import finding, passed, verdict
from tests.web.forge import NOW, TOKENS
from tests.web.world import World

PULL = "/api/pulls/site/7"
SAY = f"{PULL}/comments"
ADA_AUTH = ("ada", TOKENS["ada"])


def read(client: FlaskClient, path: str, **more: Any) -> Any:
    """The JSON of an answer that must be there."""
    answer = client.get(path, **more)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_a_pull_request_can_be_read_whole(world: World) -> None:
    pull_id = world.add_pull(
        7, findings=[finding()], verdicts=[verdict("r1", VerdictState.UNSATISFIED, text="why")]
    )
    world.add_check(pull_id, "tests", passed())
    world.add_receipt(pull_id)
    found = read(world.client(), PULL, auth=ADA_AUTH)
    assert found["standing"] == {
        "state": "needs changes",
        "turn": "author",
        "why": "Not yet: Checks pass.",
    }
    assert (found["head"], found["base"], found["target"]) == (world.head, world.base, "main")
    assert (found["title"], found["author"]) == ("Add a banner", {"id": "3", "login": "ada"})
    [rule] = found["verdicts"]
    assert (rule["rule"], rule["state"], rule["text"]) == ("r1", "unsatisfied", "why")
    assert found["findings"][0]["line"] == 2
    assert (found["checks"][0]["name"], found["checks"][0]["outcome"]) == ("tests", "passed")
    assert found["receipts"][0]["done_at"] == "2026-03-02T09:00:00Z"
    assert [(one["by"], one["what"]) for one in found["timeline"]] == [
        ("", "judged it: needs changes"),
        ("", "commented"),
    ]
    assert found["first_verdict"] == {
        "head": world.head,
        "at": "2026-03-02T09:00:00Z",
        "state": "needs changes",
    }
    assert found["landing"] is None


def test_pull_requests_can_be_listed_by_state_and_repository(world: World) -> None:
    world.add_pull(7)
    world.add_pull(8, state=State.READY, turn=Turn.MAINTAINER)
    client = world.client("grace")  # the session of the pages is enough for reading

    def numbers(**query: str) -> list[int]:
        return [one["number"] for one in read(client, "/api/pulls", query_string=query)["pulls"]]

    assert numbers() == [8, 7]
    assert numbers(state="needs changes") == [7]
    assert numbers(state="ready", repo="site") == [8]
    assert numbers(repo="other") == []
    assert client.get("/api/pulls?state=happy").status_code == 400


def test_a_lane_shows_what_waits_and_what_landed(world: World) -> None:
    landed, waiting = world.add_pull(7), world.add_pull(8)
    world.land(landed, 7)
    with world.database.write() as connection:
        for branch in ("main", "release/1"):
            lane = work.lane_row(connection, world.repo_id, branch)
        lane = work.lane_row(connection, world.repo_id, "main")
        lanes.enter(connection, lane, waiting, 8, world.head, "2", "grace", NOW, NOW)
    client = world.client("grace")
    found = read(client, "/api/lanes/site/main")
    [entry] = found["waiting"]
    assert (entry["position"], entry["number"], entry["state"]) == (1, 8, "queued")
    [landing] = found["landings"]
    assert (landing["commit"], landing["base"]) == ("c" * 40, world.base)
    assert landing["asked_by"] == {"id": "2", "login": "grace"}
    assert found["problem"] == ""
    assert read(client, "/api/pulls/site/8")["queued"]["position"] == 1
    assert read(client, "/api/lanes/site/release/1")["branch"] == "release/1"
    assert client.get("/api/lanes/site/nothing").status_code == 404


def test_refused_pushes_can_be_listed(world: World) -> None:
    world.add_incident()
    [incident] = read(world.client("grace"), "/api/incidents")["incidents"]
    assert (incident["kind"], incident["repo"], incident["by"]["login"]) == (
        "direct-push",
        "site",
        "ada",
    )


def test_a_comment_can_be_posted_with_login_and_token(world: World) -> None:
    world.add_pull(7)
    body = {"text": "/status", "seen_head": world.head}
    answer = world.client().post(SAY, json=body, auth=ADA_AUTH)
    assert (answer.status_code, answer.json) == (201, {"id": "c1"})
    assert world.forge.said == [(7, "ada", "/status", world.head)]


def test_the_session_of_the_pages_cannot_write_through_the_api(world: World) -> None:
    world.add_pull(7)
    assert world.client("ada").post(SAY, json={"text": "/merge"}).status_code == 401
    assert world.forge.said == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"text": ""}',
        b'{"text": 7}',
        b'{"text": null}',
        b'{"text": ["/merge"]}',
        b'{"text": "a", "text": "b"}',
        b'{"text": "a", "seen_head": "abc"}',
        b'{"text": "a", "seen_head": 7}',
        b'{"text": "a", "account": "2"}',
        b'{"text": "\\u0000"}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_a_body_of_the_wrong_shape_is_refused_with_a_sentence(world: World, body: bytes) -> None:
    world.add_pull(7)
    headers = {"Content-Type": "application/json"}
    answer = world.client().post(SAY, data=body, headers=headers, auth=ADA_AUTH)
    assert answer.status_code == 400
    assert answer.json is not None and answer.json["error"]
    assert world.forge.said == []


def test_other_types_and_large_bodies_are_refused(world: World) -> None:
    world.add_pull(7)
    client = world.client()
    assert client.post(SAY, data={"text": "x"}, auth=ADA_AUTH).status_code == 415
    large = json.dumps({"text": "x" * (1 << 20)})
    headers = {"Content-Type": "application/json"}
    assert client.post(SAY, data=large, headers=headers, auth=ADA_AUTH).status_code == 413


@pytest.mark.parametrize("auth", [None, ("ada", "wrong"), ("nobody", "x"), ("", ""), ("ж", "ж")])
def test_without_a_valid_token_the_api_asks_for_one(
    world: World, auth: tuple[str, str] | None
) -> None:
    world.add_pull(7)
    for path in ("/api/pulls", PULL, "/api/lanes/site/main", "/api/openapi.json"):
        answer = world.client().get(path, auth=auth)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert answer.json is not None and set(answer.json) == {"error", "request"}


def test_while_the_forge_is_down_the_api_says_try_again(world: World) -> None:
    world.add_pull(7)
    world.forge.down = True
    answer = world.client().post(SAY, json={"text": "x"}, auth=ADA_AUTH)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_while_the_database_is_gone_the_api_says_try_again(world: World) -> None:
    client = world.client("grace")
    with world.database.write() as connection:
        connection.execute(sa.text("ALTER TABLE pulls RENAME TO lost"))
    assert client.get("/api/pulls").status_code == 503
    with world.database.write() as connection:
        connection.execute(sa.text("ALTER TABLE lost RENAME TO pulls"))
    assert client.get("/api/pulls").status_code == 200


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_no_name_makes_the_api_fail(world: World, name: str, state: str, repo: str) -> None:
    client = world.client("grace")
    answers = [
        client.get("/api/pulls", query_string={"state": state, "repo": repo}),
        client.get(f"/api/pulls/{name.encode('utf-8', 'replace').hex()}/1"),
        client.get("/api/lanes/" + "".join(f"%{byte:02x}" for byte in name.encode()) + "/x"),
    ]
    assert all(answer.status_code in (200, 308, 400, 404) for answer in answers)


# --- the description ------------------------------------------------------------------


def routes(world: World) -> set[tuple[str, str]]:
    return {
        (re.sub(r"<(?:[^:>]+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in world.app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_the_description_names_every_address_and_no_other(world: World) -> None:
    described = {(path, method) for path, calls in DOCUMENT["paths"].items() for method in calls}
    assert described == routes(world)


def test_the_description_can_be_fetched_and_its_references_resolve(world: World) -> None:
    found = read(world.client("grace"), "/api/openapi.json")
    assert found["openapi"].startswith("3.1")
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(found)):
        part: Any = found
        for step in reference.split("/"):
            part = part[step]


def test_answers_have_the_described_shape(world: World) -> None:
    world.add_one_of_everything()
    client = world.client("grace")
    for path, name in (
        ("/api/pulls", "/api/pulls"),
        (PULL, "/api/pulls/{repo}/{number}"),
        ("/api/lanes/site/main", "/api/lanes/{repo}/{branch}"),
        ("/api/incidents", "/api/incidents"),
    ):
        answer = DOCUMENT["paths"][name]["get"]["responses"]["200"]
        schema = answer["content"]["application/json"]["schema"]
        check_shape(read(client, path), schema, name)


def check_shape(value: Any, schema: dict[str, Any], place: str) -> None:
    """As much of JSON Schema as the description uses."""
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        if value is not None:
            check_shape(value, schema["anyOf"][0], place)
        return
    types = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
    match schema["type"]:
        case "object":
            assert set(value) == set(schema["properties"]), place
            for key, inner in schema["properties"].items():
                check_shape(value[key], inner, f"{place}.{key}")
        case "array":
            for item in value:
                check_shape(item, schema["items"], f"{place}[]")
        case ["string", "null"]:
            assert value is None or isinstance(value, str), place
        case kind:
            assert isinstance(value, types[kind]), place  # type: ignore[arg-type]
            assert value in schema.get("enum", [value]), place
            if schema.get("format") == "date-time":
                assert datetime.fromisoformat(value).utcoffset() is not None, place


# --- health ---------------------------------------------------------------------------


def test_the_process_is_live_and_ready(world: World) -> None:
    client = world.client()
    assert client.get("/livez").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json) == (200, {"status": "ok"})


def test_with_another_schema_it_is_live_and_not_ready(world: World) -> None:
    with world.database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    client = world.client()
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json) == (503, {"status": "schema"})
    assert client.get("/livez").status_code == 200
