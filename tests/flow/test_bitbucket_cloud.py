"""The whole house on Bitbucket Cloud with all webhooks off: what people see, and what lands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from intakebot.core import config
from intakebot.flow.guard import acknowledge
from intakebot.flow.survey import discover, survey
from intakebot.flow.sweep import Clock as Clockwork
from intakebot.model import Group, TryLater
from intakebot.store import work
from intakebot.store.tables import repos
from intakebot.world.bitbucket_cloud import BitbucketCloud
from intakebot.world.bitbucket_cloud.sender import LARGEST
from tests.crashes import cases
from tests.databases import Databases
from tests.flow.cloud_shop import CloudShop, open_cloud_shop
from tests.forges.bitbucket_cloud.cast import MAIN, Cast, Clock
from tests.world.scene import listening


@pytest.fixture
def shop(tmp_path: Path, databases: Databases) -> Iterator[CloudShop]:
    clock = Clock()
    with (
        databases.house(tmp_path / "state"),
        BitbucketCloud(tmp_path / "cloud", now=clock.now) as cloud,
    ):
        shop = open_cloud_shop(tmp_path, Cast(cloud, tmp_path, clock))
        yield shop
        shop.house.database.close()
        assert cloud.contract_errors == ()


TITLE = "Put a banner on the home page"


def opened(shop: CloudShop, branch: str = "banner", **files: str) -> int:
    number, _ = shop.cast.opens(branch, files or None, title=TITLE)
    shop.settle()
    return number


def test_a_clean_one_lives_its_whole_life_in_at_most_40_calls(shop: CloudShop) -> None:
    shop.settle()
    shop.cast.cloud.forget_calls()
    number = opened(shop)
    assert shop.standing(number) == "needs review", shop.why(number)
    shop.cast.says(shop.cast.bob, number, "/approve")
    shop.settle()
    assert shop.standing(number) == "ready"
    shop.cast.says(shop.cast.bob, number, "/merge")
    shop.settle()
    assert shop.standing(number) == "landed", shop.why(number)
    assert shop.tip("deploy") == shop.tip("main")
    assert shop.cast.cloud.pull(MAIN, number).state == "MERGED"
    calls = shop.cast.api_calls()
    assert len(calls) <= 40, "\n".join(f"{one.method} {one.path}" for one in calls)


def test_a_settled_one_looked_at_again_writes_nothing(shop: CloudShop) -> None:
    number = opened(shop)
    shop.settle()
    before = len(shop.cast.cloud.writes)
    for _ in range(3):
        shop.look_again(number)
    assert len(shop.cast.cloud.writes) == before


def test_bells_for_a_survey_that_have_gathered_ask_the_product_once(shop: CloudShop) -> None:
    shop.cast.later(minutes=3)
    discover(shop.house)
    (bell,) = shop.bell.waiting
    repo = int(bell.removeprefix("survey:"))
    shop.cast.cloud.forget_calls()
    for _ in range(3):
        survey(shop.house, repo)
    assert len([one for one in shop.cast.api_calls() if one.path.endswith("/pullrequests")]) == 1

    with shop.house.database.write() as connection:
        work.nudge(connection, repos, repo, shop.house.now())
    survey(shop.house, repo)
    assert len([one for one in shop.cast.api_calls() if one.path.endswith("/pullrequests")]) == 2


def test_a_native_approval_does_not_outlive_a_push(shop: CloudShop) -> None:
    number = opened(shop)
    before = shop.tip("main")
    shop.cast.approves(shop.cast.bob, number)
    shop.settle()
    assert shop.standing(number) == "ready"
    shop.cast.pushes({"banner.html": "<b>Something else</b>\n"})
    shop.cast.says(shop.cast.bob, number, "/merge")
    shop.settle()
    assert shop.standing(number) == "needs review"
    assert shop.tip("main") == before
    said = [one.text for one in shop.bot_comments(number) if "no longer count" in one.text]
    assert len(said) == 1 and said[0].startswith("The approval by")


def test_a_branch_of_the_main_repository_is_coached_with_links_and_commands(
    shop: CloudShop,
) -> None:
    carl = shop.cast.cloud.user("carl")
    shop.cast.cloud.grant("carl", MAIN, "write")
    shop.on_roster(carl, Group.CONTRACTOR)
    shop.cast.bob = carl
    number = shop.cast.opens_from_main("shared")
    shop.settle()
    assert shop.standing(number) == "rejected", shop.why(number)
    text = shop.status_text(number)
    assert f"<{shop.cast.cloud.git_url}/{MAIN}/fork>" in text
    assert "git remote add fork" in text and ":refs/heads/shared" in text

    shop.cast.later(minutes=25 * 60)
    shop.settle()
    assert shop.cast.cloud.pull(MAIN, number).state == "DECLINED"


def test_what_the_bot_says_leads_to_the_houses_own_page(shop: CloudShop) -> None:
    number = opened(shop)
    page = f"{shop.house.public_url}/pulls/{MAIN}/{number}"
    assert f"every detail: <{page}>" in shop.status_text(number)
    cloud = shop.cast.cloud
    statuses = [one.url for name in (MAIN, "ada/site") for one in cloud.at(name).statuses.values()]
    assert statuses == [page]


def test_a_fork_that_we_cannot_read_says_who_has_to_let_us_in_and_how(shop: CloudShop) -> None:
    shop.cast.cloud.grant("intakebot", "ada/site", "none")
    shop.cast.cloud.set_private("ada/site")
    number = opened(shop)
    assert shop.standing(number) == "blocked by us", shop.why(number)
    text = shop.status_text(number)
    assert text.startswith("**ada, please let me read your fork")
    assert "Repository permissions" in text

    shop.cast.cloud.grant("intakebot", "ada/site", "read")
    shop.cast.later(minutes=30)
    shop.settle()
    assert shop.standing(number) == "needs review", shop.why(number)


def test_where_statuses_are_refused_the_bots_review_carries_the_verdict_and_says_so_once(
    shop: CloudShop,
) -> None:
    shop.cast.cloud.mischief.answer(403, r"POST .*/statuses/build", times=50)
    number = opened(shop)
    shop.settle()
    assert "I can't mark this commit in your fork" in shop.status_text(number)
    shop.cast.says(shop.cast.bob, number, "/approve")
    shop.settle()
    assert shop.standing(number) == "ready"
    assert shop.cast.pull(number).review == "approved"
    assert len([one for one in shop.bot_comments(number) if "can't mark" in one.text]) == 1


def test_a_push_past_the_pull_requests_freezes_landing_until_somebody_acknowledges_it(
    shop: CloudShop,
) -> None:
    number = opened(shop)
    shop.cast.says(shop.cast.bob, number, "/approve")
    shop.settle()
    old = shop.tip("main")
    clone = shop.cast.bob.clone(MAIN, "past")
    commit = shop.cast.bob.commit(clone, {"hack.html": "<p>Quick fix</p>\n"}, "Quick fix")
    shop.cast.bob.must("push", "--quiet", "origin", "HEAD:main", within=clone)
    shop.cast.says(shop.cast.bob, number, "/merge")
    shop.settle()

    assert shop.tip("main") == commit
    assert shop.standing(number) == "blocked by us", shop.why(number)
    assert "past the pull requests" in shop.why(number)
    (incident,) = shop.incidents()
    assert (incident.kind, incident.ref) == ("direct-push", "refs/heads/main")
    kept = shop.house.mirror(shop.cast.forge.repos()[0]).git.run(
        "rev-parse", f"refs/intake/rescue/main/{old}"
    )
    assert kept.decode().strip() == old

    assert acknowledge(shop.house, incident.id, "bob")
    assert not acknowledge(shop.house, incident.id, "bob")
    for _ in range(3):
        shop.settle()
    assert shop.standing(number) == "landed", shop.why(number)
    assert shop.frozen().strip("; ") == ""


@pytest.mark.parametrize(("step", "times"), cases("guard"))
def test_killed_after_it_spoke_up_about_a_push_past_us_it_says_it_once_and_freezes(
    shop: CloudShop, step: str, times: int
) -> None:
    shop.settle()
    clone = shop.cast.bob.clone(MAIN, "past")
    pushed = {}
    for branch in ("main", "deploy")[:times]:
        commit = shop.cast.bob.commit(clone, {f"{branch}.html": "<p>Fix</p>\n"}, "Quick fix")
        shop.cast.bob.must("push", "--quiet", "origin", f"HEAD:{branch}", within=clone)
        pushed[branch] = commit

    assert shop.dies(step, times)
    shop.cast.clock.later(minutes=1)  # the dead one's leases run out
    shop.settle()

    said = [one.commit for one in shop.cast.cloud.at(MAIN).commit_comments.values()]
    assert sorted(said) == sorted(pushed.values())
    assert sorted(one.ref for one in shop.incidents()) == sorted(
        f"refs/heads/{branch}" for branch in pushed
    )
    assert shop.frozen().count("past the pull requests") == times


def test_a_page_for_people_in_the_place_of_git_takes_no_branch_away(shop: CloudShop) -> None:
    """A proxy's page without a line in it is to git an old server that has no branches."""
    number = opened(shop)
    shop.cast.says(shop.cast.bob, number, "/approve")
    shop.settle()
    shop.cast.cloud.mischief.html("git .*/info/refs", times=1000)
    shop.cast.says(shop.cast.bob, number, "/merge")
    for _ in range(3):
        with suppress(TryLater):  # what a worker puts off
            shop.settle()
    assert shop.standing(number) != "landed"
    shop.cast.cloud.mischief.clear()
    shop.clock.later(minutes=20)
    for _ in range(3):
        shop.settle()
    assert shop.incidents() == [] and shop.frozen().strip("; ") == ""
    assert shop.standing(number) == "landed", shop.why(number)


def test_a_force_push_on_the_deploy_branch_is_an_incident_and_the_old_tip_is_kept(
    shop: CloudShop,
) -> None:
    first = opened(shop)
    shop.cast.says(shop.cast.bob, first, "/approve\n/merge")
    shop.settle()
    shop.settle()
    assert shop.standing(first) == "landed", shop.why(first)
    old = shop.tip("deploy")
    clone = shop.cast.bob.clone(MAIN, "force")
    shop.cast.bob.must("switch", "--quiet", "--orphan", "other", within=clone)
    shop.cast.bob.commit(clone, {"x.html": "<p>x</p>\n"}, "Start over")
    shop.cast.bob.must("push", "--quiet", "--force", "origin", "HEAD:deploy", within=clone)
    shop.settle()
    (incident,) = shop.incidents()
    assert incident.kind == "force-push"
    assert f"refs/intake/rescue/deploy/{old}" in incident.detail


def test_pipelines_try_what_a_fork_brings_once_somebody_has_looked(shop: CloudShop) -> None:
    """Pipelines never run for forks by themselves; here on a branch of the bot's, by its status."""
    cast = shop.cast
    clone = cast.bob.clone(MAIN)
    cast.bob.commit(clone, {config.NAME: '[checks.ci]\nexternal = "Pipelines"\n'}, "Ask for builds")
    cast.bob.must("push", "--quiet", "origin", "HEAD:main", within=clone)
    shop.settle()
    number = opened(shop)
    assert shop.standing(number) == "needs ok-to-test", shop.why(number)
    cast.says(cast.bob, number, "/ok-to-test")
    shop.settle()
    commit = shop.tip(f"intake/try/{number}")
    for state, standing in (("pending", "checking"), ("success", "needs review")):
        cast.builds(commit, "Pipelines", state)
        cast.later(1)
        Clockwork(shop.house).sweep()
        shop.settle()
        assert shop.standing(number) == standing, shop.why(number)
    assert f"refs/heads/intake/try/{number}" not in cast.cloud.at(MAIN).refs
    assert shop.incidents() == []


def test_a_comment_that_is_refused_for_good_is_not_tried_for_ever(shop: CloudShop) -> None:
    shop.cast.cloud.mischief.answer(400, r"POST .*/comments", times=500)
    number = opened(shop)
    shop.settle()
    assert shop.bot_comments(number) == []
    tried = [one for one in shop.cast.cloud.calls if one.path.endswith("/comments")]
    assert len([one for one in tried if one.method == "POST"]) == 1
    assert shop.standing(number) == "needs review"


def test_a_pull_request_whose_delivery_is_too_large_to_be_sent_is_found_by_looking(
    shop: CloudShop,
) -> None:
    with listening() as listener:
        shop.cast.hook(listener.url)
        small, _ = shop.cast.opens("small", {"small.html": "1\n"}, title=TITLE)
        large, _ = shop.cast.opens("large", title=TITLE, description="x" * LARGEST)
        assert shop.cast.cloud.webhooks.settled()
        assert [one.json["pullrequest"]["id"] for one in listener.heard] == [small]
        outcomes = [one.outcome for one in shop.cast.cloud.webhooks.history]
        assert outcomes == ["sent", "too-large"]
    assert large not in shop.known()
    shop.settle()
    assert shop.standing(large) == "needs review", shop.why(large)
    assert "A reviewer's turn" in shop.status_text(large)
