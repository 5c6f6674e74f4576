"""Deliveries of the fake have everything that recorded ones of the product have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.world.scene import PULLS, Listener, Scene

RECORDED = Path(__file__).resolve().parents[3] / "shared/recordings/bitbucket-cloud/go-scm/webhooks"
# `username` is gone since 2019; links differ by what can be reached; who wrote a commit is known
# by e-mail alone.
GONE = {"username", "links", "website", "owner", "user"}
recorded = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="NOT COMPARED: no recordings beside the checkout"
)


def places(part: Any, at: str = "") -> Iterator[str]:
    """Each key's path; lists by their first value, so that lengths do not count."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key not in GONE:
                yield f"{at}.{key}"
                yield from places(value, f"{at}.{key}")
    elif isinstance(part, list) and part:
        yield from places(part[0], f"{at}[]")


def missing(name: str, ours: Any) -> set[str]:
    theirs = json.loads((RECORDED / name).read_text("utf-8"))
    return set(places(theirs)) - set(places(ours))


@recorded
def test_pull_request_events_have_what_recorded_ones_have(stage: Scene, listener: Listener) -> None:
    stage.hook(listener.url)
    number = stage.propose()
    stage.push({"banner.txt": "x\n"})
    stage.must(stage.wim, "POST", f"{PULLS}/{number}/merge")
    other = stage.propose("other")
    stage.must(stage.wim, "POST", f"{PULLS}/{other}/decline")
    assert stage.cloud.webhooks.settled()
    heard = {one.event: one.json for one in listener.heard}
    assert missing("pr_created.json", heard["pullrequest:created"]) == set()
    assert missing("pr_updated.json", heard["pullrequest:updated"]) == set()
    assert missing("pr_fulfilled.json", heard["pullrequest:fulfilled"]) == set()
    assert missing("pr_declined.json", heard["pullrequest:rejected"]) == set()


@recorded
def test_push_events_have_what_recorded_ones_have(stage: Scene, listener: Listener) -> None:
    stage.hook(listener.url, events=["repo:push"])
    work = stage.wim.clone("acme/site")
    stage.wim.commit(work, {"x": "1"}, "x")
    stage.wim.must("push", "--quiet", "origin", "main", within=work)
    stage.wim.must("push", "--quiet", "origin", "main:develop", within=work)
    stage.wim.must("push", "--quiet", "origin", ":develop", within=work)
    stage.wim.must("push", "--quiet", "origin", "main:refs/tags/v1", within=work)
    assert stage.cloud.webhooks.settled()
    push, create, delete, tag = (one.json for one in listener.heard)
    assert missing("push.json", push) == set()
    assert missing("push_branch_create.json", create) == set()
    assert missing("push_branch_delete.json", delete) == set()
    assert missing("push_tag_create.json", tag) == set()
