"""The fake keeps to the published contract; these tests say when nobody could check that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from intakebot.world.bitbucket_cloud import BitbucketCloud
from intakebot.world.bitbucket_cloud.contract import FILE, Contract, specs_folder
from intakebot.world.bitbucket_cloud.deviations import TOLERATED
from tests.world.scene import PULLS, scene

validated = pytest.mark.skipif(
    not Contract.found().validated,
    reason=f"NOTHING WAS VALIDATED: no {FILE} beside the checkout or in INTAKEBOT_SPECS, "
    "or no openapi-core",
)


def contract() -> Contract:
    found = Contract.found()
    assert found.validated
    return found


def answer(path: str, body: Any, status: int = 200) -> list[str]:
    checked = contract()
    request = Request(EnvironBuilder(path=f"/2.0{path}", method="GET").get_environ())
    response = Response(json.dumps(body), status, mimetype="application/json")
    checked.check_answer(request, path, response)
    return checked.errors


@validated
def test_a_request_that_violates_the_contract_is_refused_and_remembered(tmp_path: Path) -> None:
    with BitbucketCloud(tmp_path / "cloud") as cloud:
        assert cloud.validated
        stage = scene(cloud)
        number = stage.propose()
        assert not cloud.contract_errors
        body = {"content": {"raw": "x"}, "inline": {"path": "a", "line": 3}}
        said = stage.refused(stage.wim, "POST", f"{PULLS}/{number}/comments", body)
        assert said.status_code == 400
        assert "line" in said.json()["error"]["message"]
        [error] = cloud.contract_errors
        assert error.startswith("request POST /repositories/acme/site/pullrequests/1/comments")


@validated
def test_an_answer_that_violates_the_contract_is_remembered() -> None:
    assert answer("/users/x", {"type": "user", "uuid": "{1}"}) == []
    assert answer("/users/x", {"uuid": "{1}"}) != []
    pull = {"type": "pullrequest", "state": "OPENED"}
    assert answer("/repositories/a/b/pullrequests/1", pull) != []
    assert answer("/repositories/a/b/pullrequests/1", {**pull, "state": "OPEN"}) == []
    assert answer("/users/x", {"type": "user"}, 206) != []
    assert answer("/users/x", {"error": {"message": "no"}}, 429) != []
    assert answer("/users/x", {"type": "error", "error": {"message": "no"}}, 429) == []


@validated
@pytest.mark.parametrize(
    "shown",
    [
        {"merge_commit": None, "closed_by": None},
        {"source": {"repository": None, "branch": {"name": "x"}, "commit": {"type": "commit"}}},
        {"participants": [{"type": "participant", "state": None, "participated_on": None}]},
    ],
)
def test_what_the_product_really_says_is_tolerated(shown: dict[str, Any]) -> None:
    body = {"type": "pullrequest", "id": 1, **shown}
    assert answer("/repositories/a/b/pullrequests/1", body) == []


@validated
@pytest.mark.parametrize(
    "shown",
    [
        {"author": None},
        {"source": {"branch": {"name": "x"}, "commit": {"oid": "1"}}},
        {"participants": [{"type": "participant", "state": "needs_work"}]},
    ],
)
def test_nothing_beside_the_table_is_tolerated(shown: dict[str, Any]) -> None:
    body = {"type": "pullrequest", "id": 1, **shown}
    assert answer("/repositories/a/b/pullrequests/1", body) != []


def test_every_tolerated_deviation_has_a_reason_and_stands_once() -> None:
    assert all(one.why for one in TOLERATED)
    places = [(one.kind, one.at) for one in TOLERATED]
    assert len(places) == len(set(places))


def test_without_the_contract_the_fake_works_and_says_that_nothing_was_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTAKEBOT_SPECS", str(tmp_path))
    assert specs_folder() is None
    with BitbucketCloud(tmp_path / "cloud") as cloud:
        assert cloud.validated is False
        assert cloud.user("ada").api("GET", "/user").status_code == 200
