"""Git of the fake Bitbucket Cloud: who may clone and push, and what a push sets in motion."""

from __future__ import annotations

from pathlib import Path

import pytest

from intakebot.world.bitbucket_cloud import BitbucketCloud, Member
from tests.world.scene import PULLS, SITE, Scene


def land(stage: Scene, who: Member, branch: str = "banner") -> str:
    """Merge ada's branch by hand and push main."""
    work = who.clone("acme/site", f"land-{branch}")
    who.must("fetch", "--quiet", who.url("ada/site"), branch, within=work)
    who.must("merge", "--quiet", "--ff", "FETCH_HEAD", within=work)
    who.must("push", "--quiet", "origin", "main", within=work)
    return stage.cloud.tip("acme/site", "main")


def test_a_private_repository_can_be_cloned_only_by_those_who_may_read_it(stage: Scene) -> None:
    stranger = stage.cloud.user("bob")
    said = stranger.git("clone", stranger.url("acme/site"), str(stranger.folder / "site"))
    assert not said.ok
    assert "not found" in said.text
    assert (stage.ada.clone("acme/site") / "page.html").exists()


def test_who_may_only_read_cannot_push(stage: Scene) -> None:
    work = stage.ada.clone("acme/site")
    stage.ada.commit(work, {"x": "1"}, "x")
    said = stage.ada.git("push", within=work)
    assert not said.ok
    assert "403" in said.text


def test_a_clone_and_a_push_of_thousands_of_files_go_through(stage: Scene) -> None:
    work = stage.wim.clone("acme/site")
    files = {f"many/{n}.txt": f"{n} {'x' * 700} {n * n}\n" for n in range(2500)}
    oid = stage.wim.commit(work, files, "Many")
    stage.wim.must("-c", "http.postBuffer=4096", "push", "--quiet", within=work)
    assert stage.cloud.tip("acme/site", "main") == oid


def test_pushing_the_source_s_tip_into_the_destination_marks_it_merged(stage: Scene) -> None:
    number = stage.propose()
    tip = land(stage, stage.grace)
    pull = stage.pull(number)
    assert pull["state"] == "MERGED"
    assert pull["merge_commit"]["hash"] == tip[:12]
    assert pull["closed_by"]["nickname"] == "grace"
    assert stage.activity(number)[-1]["update"]["state"] == "MERGED"


def test_a_stacked_pull_request_is_carried_along_unapproved(stage: Scene) -> None:
    below = stage.propose("below")
    stage.ada.propose(stage.work, "above", {"above.txt": "1\n"}, "Add above")
    above = stage.open(stage.ada, "above", "ada/site")
    land(stage, stage.grace, "above")
    assert [stage.pull(one)["state"] for one in (below, above)] == ["MERGED", "MERGED"]


def test_a_squashed_landing_leaves_it_open(stage: Scene) -> None:
    number = stage.propose()
    work = stage.grace.clone("acme/site")
    stage.grace.must("fetch", "--quiet", stage.grace.url("ada/site"), "banner", within=work)
    stage.grace.must("merge", "--quiet", "--squash", "FETCH_HEAD", within=work)
    stage.grace.must("commit", "--quiet", "--message", "Squashed", within=work)
    stage.grace.must("push", "--quiet", within=work)
    assert stage.pull(number)["state"] == "OPEN"


@pytest.mark.parametrize(
    ("kind", "arguments", "said"),
    [
        ("push", ("HEAD:main",), "Permission denied to update branch main."),
        ("force", ("--force", "HEAD~1:main"), "rewrite history of branch main"),
        ("delete", ("--delete", "topic/x"), "Permission denied to delete branch topic/x."),
        ("push", ("HEAD:topic/new",), "Permission denied to create branch topic/new."),
    ],
)
def test_a_restricted_branch_refuses_the_push_as_git_does(
    stage: Scene, kind: str, arguments: tuple[str, ...], said: str
) -> None:
    work = stage.wim.clone("acme/site")
    stage.wim.commit(work, {"x": "1"}, "x")
    stage.wim.must("push", "--quiet", "origin", "HEAD:main", "HEAD:topic/x", within=work)
    before = stage.cloud.tip("acme/site", "main")
    stage.cloud.restrict("acme/site", kind, "main")
    stage.cloud.restrict("acme/site", kind, "topic/*")
    stage.wim.commit(work, {"x": "2"}, "x again")
    if kind == "force":
        stage.wim.must("reset", "--quiet", "--hard", "HEAD~1", within=work)
    answer = stage.wim.git("push", "origin", *arguments, within=work)
    assert not answer.ok
    assert said in answer.remote
    assert "[remote rejected]" in answer.text
    assert "(pre-receive hook declined)" in answer.text
    assert stage.cloud.tip("acme/site", "main") == before


def test_people_and_groups_named_by_a_restriction_push_through(stage: Scene) -> None:
    stage.cloud.group("acme", "staff", "wim")
    stage.cloud.restrict("acme/site", "push", "main", "grace", groups=["staff"])
    for who in (stage.grace, stage.wim):
        work = who.clone("acme/site")
        oid = who.commit(work, {who.nickname: "1"}, "x")
        who.must("push", "--quiet", within=work)
        assert stage.cloud.tip("acme/site", "main") == oid


def test_a_restricted_branch_does_not_take_a_repository_token(stage: Scene) -> None:
    bot = stage.cloud.member(stage.cloud.access_token("acme/site"))
    stage.cloud.restrict("acme/site", "push", "main", "grace")
    work = bot.clone("acme/site")
    bot.commit(work, {"x": "1"}, "x")
    assert "Permission denied to update branch main." in bot.git("push", within=work).remote
    bot.must("push", "--quiet", "origin", "HEAD:free", within=work)


def test_a_repository_token_reaches_its_own_repository_only(stage: Scene, tmp_path: Path) -> None:
    bot = stage.cloud.member(stage.cloud.access_token("acme/site"))
    assert bot.api("GET", SITE).status_code == 200
    assert bot.api("GET", "/repositories/ada/site").status_code == 404
    assert not bot.git("clone", bot.url("ada/site"), str(tmp_path / "fork")).ok


def test_a_private_fork_is_readable_for_others_only_when_it_inherits(stage: Scene) -> None:
    stage.cloud.user("bob")
    stage.cloud.grant("bob", "acme/site", "read")
    stage.cloud.fork("bob", "acme/site")
    assert stage.grace.api("GET", "/repositories/bob/site").status_code == 404
    assert not stage.grace.git("ls-remote", stage.grace.url("bob/site")).ok
    assert stage.grace.api("GET", "/repositories/ada/site").status_code == 200
    names = [one["full_name"] for one in stage.get(f"{SITE}/forks")["values"]]
    assert names == ["ada/site"]


def test_the_main_repository_does_not_serve_a_fork_s_commits(stage: Scene) -> None:
    stage.propose()
    tip = stage.cloud.tip("ada/site", "banner")
    work = stage.grace.clone("acme/site")
    assert not stage.grace.git("fetch", "--quiet", "origin", tip, within=work).ok
    assert stage.grace.git("fetch", "--quiet", stage.grace.url("ada/site"), tip, within=work).ok


def test_a_renamed_repository_keeps_its_uuid_its_commits_and_its_pull_requests(
    stage: Scene,
) -> None:
    number = stage.propose()
    uuid = stage.get(SITE)["uuid"]
    stage.cloud.rename_repository("acme/site", "shop")
    stage.cloud.rename_workspace("acme", "apex")
    assert stage.grace.api("GET", SITE).status_code == 404
    found = stage.get(f"/repositories/apex/{uuid}")
    assert found["full_name"] == "apex/shop"
    path = f"/repositories/%7B{uuid.strip('{}')}%7D/%7B{uuid.strip('{}')}%7D/pullrequests/{number}"
    assert stage.get(path)["destination"]["repository"]["full_name"] == "apex/shop"
    assert stage.grace.git("ls-remote", stage.grace.url("apex/shop")).ok


def test_a_public_repository_is_read_by_everybody_and_written_by_few(
    cloud: BitbucketCloud,
) -> None:
    grace, bob = cloud.user("grace"), cloud.user("bob")
    cloud.repository("grace/open", private=False)
    assert bob.api("GET", "/repositories/grace/open").status_code == 200
    work = bob.clone("grace/open")
    bob.commit(work, {"x": "1"}, "x")
    assert not bob.git("push", within=work).ok
    assert grace.git("ls-remote", cloud.git_url + "/grace/open.git").ok


def test_pushes_and_clones_are_in_the_log_of_calls(stage: Scene) -> None:
    stage.cloud.forget_calls()
    stage.propose()
    pushes = [one for one in stage.cloud.writes if one.method == "git-push"]
    assert [(one.by, one.path, one.detail) for one in pushes] == [
        ("ada", "/ada/site.git/git-receive-pack", "refs/heads/banner")
    ]
    stage.wim.clone("acme/site")
    assert stage.cloud.calls[-1].method == "git-fetch"
    assert stage.cloud.calls[-1].by == "wim"
    assert stage.pull(1)["id"] in [1]
    assert PULLS in [one.path for one in stage.cloud.writes]
