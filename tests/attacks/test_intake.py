"""Other ways in than a pull request from a fork (5.4), at a forge where people find them."""

from __future__ import annotations

from tests.flow.cloud_shop import CloudShop
from tests.forges.bitbucket_cloud.cast import MAIN


def landed(cloud: CloudShop, branch: str) -> int:
    number, _ = cloud.cast.opens(branch, {f"{branch}.html": "<p>New</p>\n"}, title="Add a page")
    cloud.settle()
    cloud.cast.says(cloud.cast.bob, number, "/approve\n/merge")
    cloud.settle()
    cloud.settle()
    return number


def test_tags_with_the_names_of_branches_lead_nobody_astray(cloud: CloudShop) -> None:
    bob, start = cloud.cast.bob, cloud.tip("main")
    clone = bob.clone(MAIN, "tagging")
    bob.must("switch", "--quiet", "--orphan", "evil", within=clone)
    evil = bob.commit(clone, {"index.html": "<p>Evil</p>\n"}, "Start over")
    tags = [f"{evil}:refs/tags/{name}" for name in ("main", "deploy", "heads/main", "HEAD")]
    bob.must("push", "--quiet", "origin", *tags, within=clone)
    number = landed(cloud, "banner")
    assert cloud.standing(number) == "landed", cloud.why(number)
    git = cloud.house.mirror(cloud.cast.forge.repos()[0]).git
    parents = git.run("rev-parse", f"{cloud.tip('main')}^1").decode().split()
    assert parents == [start] and cloud.tip("deploy") == cloud.tip("main")
    assert cloud.incidents() == []


def test_a_protected_branch_that_is_deleted_and_made_anew_stays_frozen(cloud: CloudShop) -> None:
    first = landed(cloud, "first")
    assert cloud.standing(first) == "landed", cloud.why(first)
    start = cloud.tip("main")
    cloud.cast.cloud.move_branch(MAIN, "deploy", None, by="bob")
    cloud.settle()
    cloud.cast.cloud.move_branch(MAIN, "deploy", start, by="bob")
    second = landed(cloud, "second")
    assert [incident.kind for incident in cloud.incidents()] == ["deletion"]
    assert cloud.standing(second) == "blocked by us", cloud.why(second)
    assert cloud.tip("main") == start


def test_what_comes_from_a_fork_that_is_gone_is_not_taken(cloud: CloudShop) -> None:
    number, _ = cloud.cast.opens(title="Put a banner on the home page")
    cloud.settle()
    cloud.cast.says(cloud.cast.bob, number, "/approve\n/merge")
    cloud.cast.cloud.delete_repository("ada/site")
    before = cloud.tip("main")
    cloud.settle()
    assert cloud.standing(number) == "rejected", cloud.why(number)
    assert "no longer exists" in cloud.status_text(number)
    assert cloud.tip("main") == before
