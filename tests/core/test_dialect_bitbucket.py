"""Which of Bitbucket Cloud's events are acted on, and how: every key there is, by name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from intakebot import settings
from intakebot.core.dialect import Dialect, read_dialect, read_event
from intakebot.model import CommentRef, Event, Ignored, Kind

BESIDE = Path(os.environ.get("INTAKEBOT_SPECS") or Path(__file__).parents[3] / "shared" / "specs")
CONTRACT = BESIDE / "bitbucket-cloud.openapi3.json"

ACTED_ON = {
    Kind.PULL: ["created", "updated", "push", "fulfilled", "rejected"],
    Kind.REVIEW: [
        *("approved", "unapproved"),
        *("changes_request_created", "changes_request_removed"),
    ],
    Kind.COMMENT: [
        f"comment_{done}" for done in ("created", "updated", "deleted", "resolved", "reopened")
    ],
}
ABOUT_A_PULL = {f"pullrequest:{name}": kind for kind, names in ACTED_ON.items() for name in names}
ABOUT_A_REPO = {
    "repo:push": Kind.PUSH,
    "repo:commit_status_created": Kind.STATUS,
    "repo:commit_status_updated": Kind.STATUS,
}
DROPPED = [
    *("issue:comment_created", "issue:created", "issue:updated", "pipeline:span_created"),
    *("project:updated", "repo:commit_comment_created", "repo:created", "repo:deleted"),
    *("repo:fork", "repo:imported", "repo:transfer", "repo:updated"),
]
BODY = {
    "repository": {"uuid": "{1-2}", "full_name": "northshop/site"},
    "actor": {"uuid": "{3-4}"},
    "pullrequest": {"id": 7, "source": {"commit": {"hash": "3f9c1e2ab0d8"}}},
    "comment": {"id": 9, "content": {"raw": "/merge"}, "user": {"uuid": "{5-6}"}},
}


def bitbucket() -> Dialect:
    name = "bitbucket-cloud.toml"
    return read_dialect(name, settings.dialect_files()[name])


def read(key: str, body: object) -> Event | Ignored:
    return read_event(bitbucket(), {"X-Event-Key": key}, json.dumps(body).encode())


@pytest.mark.parametrize(("key", "kind"), ABOUT_A_PULL.items())
def test_what_happens_to_a_pull_request_is_read_as_its_kind(key: str, kind: Kind) -> None:
    comment = CommentRef("9", "/merge")
    assert read(key, BODY) == Event(
        "bitbucket-cloud", kind, "{1-2}", 7, None, "{3-4}", comment=comment
    )
    nowhere = {**BODY, "pullrequest": None}
    assert read(key, nowhere) == Ignored(f"a {kind} event that names no pull request")


@pytest.mark.parametrize(("key", "kind"), ABOUT_A_REPO.items())
def test_what_happens_to_a_repository_is_read_without_a_number(key: str, kind: Kind) -> None:
    body = {"repository": BODY["repository"], "actor": BODY["actor"]}
    assert read(key, body) == Event("bitbucket-cloud", kind, "{1-2}", actor="{3-4}")


@pytest.mark.parametrize("key", DROPPED)
def test_all_else_is_ignored_by_name(key: str) -> None:
    assert read(key, BODY) == Ignored(f"nothing is done on the event {key!r}")


@pytest.mark.skipif(
    not CONTRACT.is_file(),
    reason=f"NOT HELD AGAINST THE CONTRACT: {CONTRACT} is missing; say where with INTAKEBOT_SPECS",
)
def test_every_event_of_the_contract_is_either_acted_on_or_known_as_dropped() -> None:
    contract = json.loads(CONTRACT.read_bytes())
    event = contract["components"]["schemas"]["hook_event"]["properties"]["event"]
    assert set(event["enum"]) == {*ABOUT_A_PULL, *ABOUT_A_REPO, *DROPPED}
    assert set(bitbucket().kinds) == {*ABOUT_A_PULL, *ABOUT_A_REPO}
