"""Who the fake lets do what: tokens, scopes, permissions, forks, restrictions, limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from intakebot.world.bitbucket_cloud import BitbucketCloud
from tests.world.scene import PULLS, SITE, Scene, scene


def test_an_app_password_a_revoked_and_an_unknown_token_are_401(stage: Scene) -> None:
    dead = stage.cloud.app_password("wim")
    gone = stage.cloud.token("wim")
    stage.cloud.revoke(gone)
    for secret in (dead, gone, "ATATTnever"):
        who = replace(stage.wim, token=secret)
        answer = stage.refused(who, "GET", "/user")
        assert answer.status_code == 401
        assert answer.json()["type"] == "error"
        assert not who.git("ls-remote", who.url("acme/site")).ok
    assert stage.must(stage.wim, "GET", "/user")["account_id"]


def test_an_api_token_counts_only_with_its_owner_s_email(stage: Scene) -> None:
    other = replace(stage.wim, email="grace@example.org")
    assert stage.refused(other, "GET", "/user").status_code == 401


def test_a_missing_scope_is_named(stage: Scene) -> None:
    token = stage.cloud.token("wim", scopes=["read:repository:bitbucket"])
    who = replace(stage.wim, token=token)
    assert stage.must(who, "GET", SITE)["slug"] == "site"
    answer = stage.refused(who, "GET", PULLS)
    assert answer.status_code == 403
    assert answer.json()["error"]["detail"]["required"] == ["read:pullrequest:bitbucket"]
    work = who.clone("acme/site")
    who.commit(work, {"x": "1"}, "x")
    assert not who.git("push", within=work).ok


def test_effective_permission_is_the_highest_of_all_ways_to_have_one(stage: Scene) -> None:
    stage.cloud.user("bob")
    stage.cloud.group("acme", "agency", "bob", "ada")
    stage.cloud.grant_group("agency", "acme/site", "write")

    def effective(uuid: str) -> list[str]:
        path = f'/workspaces/acme/permissions/repositories/site?q=user.uuid="{uuid}"'
        return [one["permission"] for one in stage.get(path)["values"]]

    bob = stage.cloud.state.user("bob").uuid
    assert [effective(one) for one in (stage.grace.uuid, stage.ada.uuid, bob)] == [
        ["admin"],
        ["write"],
        ["write"],
    ]
    explicit = f"{SITE}/permissions-config/users"
    assert stage.get(f"{explicit}/{stage.ada.uuid}")["permission"] == "read"
    assert stage.get(f"{explicit}/{bob}")["permission"] == "none"
    stage.cloud.grant("wim", "acme/site", "none")
    assert effective(stage.wim.uuid) == []
    assert stage.refused(stage.wim, "GET", SITE).status_code == 404
    answer = stage.refused(stage.ada, "GET", "/workspaces/acme/permissions/repositories/site")
    assert answer.status_code == 403


def test_people_are_found_by_id_and_never_by_name(stage: Scene) -> None:
    account = stage.must(stage.grace, "GET", f"/users/{stage.ada.uuid}")
    assert account["nickname"] == "ada"
    stage.cloud.rename_user("ada", "lovelace")
    again = stage.must(stage.grace, "GET", f"/users/{account['account_id']}")
    assert (again["nickname"], again["uuid"]) == ("lovelace", stage.ada.uuid)
    assert stage.refused(stage.grace, "GET", "/users/lovelace").status_code == 404


def test_forks_are_made_only_where_the_repository_and_the_workspace_allow(stage: Scene) -> None:
    bob = stage.cloud.user("bob")
    stage.cloud.grant("bob", "acme/site", "read")
    path, body = f"{SITE}/forks", {"workspace": {"slug": "bob"}}
    stage.must(stage.grace, "PUT", SITE, {"fork_policy": "no_forks"})
    assert stage.refused(bob, "POST", path, body).status_code == 403
    stage.must(stage.grace, "PUT", SITE, {"fork_policy": "no_public_forks"})
    assert stage.refused(bob, "POST", path, {**body, "is_private": False}).status_code == 400
    stage.cloud.state.workspace("acme").forking_mode = "internal_only"
    assert stage.refused(bob, "POST", path, body).status_code == 403
    stage.cloud.state.workspace("acme").forking_mode = "allow_forks"
    fork = stage.must(bob, "POST", path, body)
    assert (fork["parent"]["full_name"], fork["is_private"]) == ("acme/site", True)


def test_a_restriction_is_unique_and_can_be_changed_and_removed(stage: Scene) -> None:
    path = f"{SITE}/branch-restrictions"
    body = {
        "kind": "push",
        "branch_match_kind": "glob",
        "pattern": "main",
        "users": [{"uuid": stage.grace.uuid}],
        "groups": [],
    }
    made = stage.must(stage.grace, "POST", path, body)
    assert [one["uuid"] for one in made["users"]] == [stage.grace.uuid]
    assert stage.refused(stage.grace, "POST", path, body).status_code == 409
    work = stage.wim.clone("acme/site")
    stage.wim.commit(work, {"x": "1"}, "x")
    assert not stage.wim.git("push", within=work).ok
    changed = {**body, "users": [{"uuid": stage.grace.uuid}, {"uuid": stage.wim.uuid}]}
    stage.must(stage.grace, "PUT", f"{path}/{made['id']}", changed)
    stage.wim.must("push", "--quiet", within=work)
    stage.must(stage.grace, "DELETE", f"{path}/{made['id']}")
    assert stage.get(f"{path}?kind=push")["values"] == []
    assert stage.refused(stage.wim, "GET", path).status_code == 403


def test_a_restriction_takes_no_access_token_and_no_premium_kind_on_a_small_plan(
    stage: Scene,
) -> None:
    path = f"{SITE}/branch-restrictions"
    bot = stage.cloud.member(stage.cloud.access_token("acme/site"))
    body = {"kind": "push", "branch_match_kind": "glob", "pattern": "main", "groups": []}
    asked = {**body, "users": [{"uuid": bot.uuid}]}
    assert stage.refused(stage.grace, "POST", path, asked).status_code == 400
    premium = {"kind": "enforce_merge_checks", "branch_match_kind": "glob", "pattern": "main"}
    assert stage.refused(stage.grace, "POST", path, premium).status_code == 402


def test_branches_are_made_and_deleted_over_rest_within_the_restrictions(stage: Scene) -> None:
    path, tip = f"{SITE}/refs/branches", stage.cloud.tip("acme/site", "main")
    body = {"name": "probe/x", "target": {"hash": tip}}
    stage.must(stage.wim, "POST", path, body)
    assert stage.get(f"{path}/probe/x")["target"]["hash"] == tip
    stage.cloud.restrict("acme/site", "push", "probe/*", "grace")
    assert stage.refused(stage.wim, "DELETE", f"{path}/probe/x").status_code == 403
    stage.must(stage.grace, "DELETE", f"{path}/probe/x")
    assert [one["name"] for one in stage.get(path)["values"]] == ["main"]


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


def test_calls_are_counted_by_token_and_come_free_after_an_hour(tmp_path: Path) -> None:
    clock = Clock()
    with BitbucketCloud(tmp_path / "cloud", now=clock) as cloud:
        stage = scene(cloud)
        cloud.limits.limit = 3
        for _ in range(3):
            stage.get(SITE)
        answer = stage.refused(stage.grace, "GET", SITE)
        assert answer.status_code == 429
        assert "Rate limit for this resource" in answer.json()["error"]["message"]
        assert stage.must(stage.grace, "GET", "/user")["uuid"] == stage.grace.uuid
        assert stage.must(stage.wim, "GET", SITE)
        clock.at += timedelta(minutes=61)
        assert stage.get(SITE)


def test_only_access_tokens_are_told_their_limit(stage: Scene) -> None:
    bot = stage.cloud.member(stage.cloud.access_token("acme/site"))
    answer = bot.api("GET", SITE)
    assert answer.headers["X-RateLimit-Limit"] == "1000"
    assert answer.headers["X-RateLimit-NearLimit"] == "false"
    assert "X-RateLimit-Limit" not in stage.wim.api("GET", SITE).headers


def test_dates_come_from_the_clock_that_was_given(tmp_path: Path) -> None:
    clock = Clock()
    with BitbucketCloud(tmp_path / "cloud", now=clock) as cloud:
        stage = scene(cloud)
        first = stage.pull(stage.propose())
        second = stage.pull(stage.propose("two"))
    assert first["created_on"].startswith("2026-11-02T09:00:00.")
    assert first["created_on"].endswith("+00:00")
    assert first["updated_on"] < second["created_on"]


@pytest.mark.parametrize("path", ["/user", SITE, PULLS])
def test_nobody_in_particular_is_told_to_sign_in(stage: Scene, path: str) -> None:
    nobody = replace(stage.ada, email="", token="")
    assert stage.refused(nobody, "GET", path).status_code == 401
