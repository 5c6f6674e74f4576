"""Webhooks of the fake: what is sent, how it is signed, and what becomes of it on the way."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from intakebot.world.bitbucket_cloud.sender import LARGEST
from tests.world.scene import PULLS, SITE, Listener, Scene


def test_a_delivery_is_signed_and_says_what_it_is(stage: Scene, listener: Listener) -> None:
    hook = stage.hook(listener.url, "s3cret")
    stage.propose()
    assert stage.cloud.webhooks.settled()
    [heard] = listener.heard
    digest = hmac.new(b"s3cret", heard.body, hashlib.sha256).hexdigest()
    assert heard.headers["X-Hub-Signature"] == f"sha256={digest}"
    assert heard.headers["X-Event-Key"] == "pullrequest:created"
    assert heard.headers["X-Hook-UUID"] == hook["uuid"].strip("{}")
    assert heard.headers["X-Attempt-Number"] == "1"
    assert heard.headers["X-Request-UUID"]
    tip = stage.cloud.tip("ada/site", "banner")
    assert heard.json["pullrequest"]["source"]["commit"]["hash"] == tip[:12]
    assert heard.json["repository"]["full_name"] == "acme/site"
    assert heard.json["actor"]["uuid"] == stage.ada.uuid
    assert tip not in heard.body.decode()


def test_without_a_secret_nothing_is_signed_and_the_secret_never_comes_out(
    stage: Scene, listener: Listener
) -> None:
    hook = stage.hook(listener.url)
    assert hook["secret_set"] is False
    stage.propose()
    assert stage.cloud.webhooks.settled()
    assert "X-Hub-Signature" not in listener.heard[0].headers
    path = f"{SITE}/hooks/{hook['uuid']}"
    changed = stage.must(stage.grace, "PUT", path, {**hook, "secret": "new"})
    assert changed["secret_set"] is True
    assert "secret" not in changed
    assert "new" not in json.dumps(stage.get(f"{SITE}/hooks"))


def test_each_act_has_its_event(stage: Scene, listener: Listener) -> None:
    stage.hook(listener.url)
    number = stage.propose()
    path = f"{PULLS}/{number}"
    comment = stage.must(stage.wim, "POST", f"{path}/comments", {"content": {"raw": "Hm"}})
    one = f"{path}/comments/{comment['id']}"
    stage.must(stage.wim, "PUT", one, {"content": {"raw": "Hm!"}})
    stage.must(stage.wim, "DELETE", one)
    stage.must(stage.wim, "POST", f"{path}/approve")
    stage.must(stage.wim, "DELETE", f"{path}/approve")
    stage.must(stage.wim, "POST", f"{path}/request-changes")
    stage.must(stage.wim, "DELETE", f"{path}/request-changes")
    stage.push({"banner.txt": "x\n"})
    stage.must(stage.wim, "POST", f"{path}/decline")
    again = stage.open(stage.ada, "banner", "ada/site")
    stage.must(stage.wim, "POST", f"{PULLS}/{again}/merge")
    assert stage.cloud.webhooks.settled()
    assert listener.events == [
        "pullrequest:created",
        "pullrequest:comment_created",
        "pullrequest:comment_updated",
        "pullrequest:comment_deleted",
        "pullrequest:approved",
        "pullrequest:unapproved",
        "pullrequest:changes_request_created",
        "pullrequest:changes_request_removed",
        "pullrequest:updated",
        "pullrequest:rejected",
        "pullrequest:created",
        "pullrequest:fulfilled",
        "repo:push",
    ]
    approved = listener.heard[4].json["approval"]
    assert approved["user"]["uuid"] == stage.wim.uuid
    assert listener.heard[6].json["changes_request"]["user"]["uuid"] == stage.wim.uuid
    assert listener.heard[1].json["comment"]["content"]["raw"] == "Hm"


def test_a_push_tells_old_and_new_with_forty_characters(stage: Scene, listener: Listener) -> None:
    stage.hook(listener.url, events=["repo:push"])
    before = stage.cloud.tip("acme/site", "main")
    work = stage.wim.clone("acme/site")
    oid = stage.wim.commit(work, {"x": "1"}, "x")
    stage.wim.must("push", "--quiet", "origin", "main", "main:other", within=work)
    stage.wim.must("push", "--quiet", "origin", ":other", within=work)
    assert stage.cloud.webhooks.settled()
    first, second = (one.json["push"]["changes"] for one in listener.heard)
    assert [one["new"]["name"] for one in first] == ["main", "other"]
    assert first[0]["old"]["target"]["hash"] == before
    assert first[0]["new"]["target"]["hash"] == oid
    assert (first[1]["created"], first[1]["old"]) == (True, None)
    assert (second[0]["closed"], second[0]["new"]) == (True, None)


def test_a_delivery_over_the_limit_is_silently_not_sent(stage: Scene, listener: Listener) -> None:
    stage.hook(listener.url)
    number = stage.propose()
    stage.must(
        stage.ada, "PUT", f"{PULLS}/{number}", {"title": "Long", "description": "x" * LARGEST}
    )
    assert stage.cloud.webhooks.settled()
    assert listener.events == ["pullrequest:created"]
    assert [one.outcome for one in stage.cloud.webhooks.history] == ["sent", "too-large"]


def test_a_server_error_is_tried_twice_more_and_nothing_else_is(
    stage: Scene, listener: Listener
) -> None:
    stage.hook(listener.url)
    listener.answers[:] = [503, 500, 502, 400]
    number = stage.propose()
    stage.must(stage.wim, "POST", f"{PULLS}/{number}/approve")
    assert stage.cloud.webhooks.settled()
    attempts = [(one.event, one.headers["X-Attempt-Number"]) for one in listener.heard]
    assert attempts == [
        ("pullrequest:created", "1"),
        ("pullrequest:created", "2"),
        ("pullrequest:created", "3"),
        ("pullrequest:approved", "1"),
    ]
    assert [one.attempts for one in stage.cloud.webhooks.history] == [[503, 500, 502], [400]]


def comment(stage: Scene, number: int, text: str) -> Any:
    path = f"{PULLS}/{number}/comments"
    return stage.must(stage.wim, "POST", path, {"content": {"raw": text}})


def texts(listener: Listener) -> list[str]:
    return [one.json["comment"]["content"]["raw"] for one in listener.heard]


def test_deliveries_can_be_held_and_come_in_the_wrong_order(
    stage: Scene, listener: Listener
) -> None:
    number = stage.propose()
    stage.hook(listener.url)
    stage.cloud.webhooks.hold()
    for text in ("a", "b", "c"):
        comment(stage, number, text)
    assert stage.cloud.webhooks.settled()
    assert listener.heard == []
    stage.cloud.webhooks.release(reverse=True)
    comment(stage, number, "d")
    assert stage.cloud.webhooks.settled()
    assert texts(listener) == ["c", "b", "a", "d"]


def test_deliveries_can_get_lost_or_come_twice(stage: Scene, listener: Listener) -> None:
    number = stage.propose()
    stage.hook(listener.url)
    stage.cloud.webhooks.drop(1)
    comment(stage, number, "lost")
    stage.cloud.webhooks.double(1, event="pullrequest:comment_created")
    comment(stage, number, "twice")
    comment(stage, number, "once")
    assert stage.cloud.webhooks.settled()
    assert texts(listener) == ["twice", "twice", "once"]
    requests = [one.headers["X-Request-UUID"] for one in listener.heard]
    assert requests[0] == requests[1] != requests[2]
    assert [one.outcome for one in stage.cloud.webhooks.history] == ["dropped", "sent", "sent"]


def test_an_inactive_hook_and_an_event_not_asked_for_stay_silent(
    stage: Scene, listener: Listener
) -> None:
    hook = stage.hook(listener.url, events=["pullrequest:approved"])
    number = stage.propose()
    stage.must(stage.grace, "PUT", f"{SITE}/hooks/{hook['uuid']}", {**hook, "active": False})
    stage.must(stage.wim, "POST", f"{PULLS}/{number}/approve")
    assert stage.cloud.webhooks.settled()
    assert listener.heard == []
    stage.must(stage.grace, "DELETE", f"{SITE}/hooks/{hook['uuid']}")
    assert stage.get(f"{SITE}/hooks")["values"] == []


def test_hooks_are_for_administrators(stage: Scene) -> None:
    assert stage.refused(stage.wim, "GET", f"{SITE}/hooks").status_code == 403


def test_a_workspace_s_hook_hears_of_all_its_repositories(stage: Scene, listener: Listener) -> None:
    body = {"url": listener.url, "description": "all", "active": True, "events": ["repo:push"]}
    stage.must(stage.grace, "POST", "/workspaces/acme/hooks", body)
    stage.cloud.repository("acme/other")
    for name in ("acme/site", "acme/other"):
        work = stage.grace.clone(name)
        stage.grace.commit(work, {"x": "1"}, "x")
        stage.grace.must("push", "--quiet", within=work)
    assert stage.cloud.webhooks.settled()
    names = [one.json["repository"]["full_name"] for one in listener.heard]
    assert names == ["acme/site", "acme/other"]
