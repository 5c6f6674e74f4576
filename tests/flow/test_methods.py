"""The merge method that the target branch names: what lands, and what the forge shows then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from intakebot.flow.house import House
from intakebot.model import PullState
from intakebot.store.tables import landings
from intakebot.world.bitbucket_cloud import BitbucketCloud
from intakebot.world.people import Somebody
from tests.databases import Databases
from tests.flow.cloud_shop import open_cloud_shop
from tests.flow.conftest import CHECKS, SITE, ada, checking_shop, grace
from tests.flow.workshop import Workshop
from tests.forges.bitbucket_cloud.cast import MAIN, Cast, Clock

pytestmark = pytest.mark.long


def config(method: str) -> str:
    return f'[merge]\nmethod = "{method}"\n'


@pytest.fixture
def squashing(tmp_path: Path, databases: Databases, checking: House) -> Iterator[Workshop]:
    files = {**SITE, ".intakebot.toml": config("squash") + CHECKS}
    with checking_shop(tmp_path, databases, checking, files) as shop:
        yield shop


@pytest.fixture
def rebasing(tmp_path: Path, databases: Databases, checking: House) -> Iterator[Workshop]:
    files = {**SITE, ".intakebot.toml": config("rebase")}
    with checking_shop(tmp_path, databases, checking, files) as shop:
        yield shop


def two_commits(shop: Workshop, author: Somebody) -> int:
    """Opened behind main, with a second commit on top."""
    shop.by_hand("main", {"README": "Something else came first.\n"})
    number = shop.opens(
        author, {"one.html": "<p>1</p>\n"}, base="origin/main^", title="Say one thing more"
    )
    shop.pushes(author, {"two.html": "<p>2</p>\n"})
    return number


def asked(shop: Workshop, maintainer: Somebody, number: int) -> None:
    shop.settle()
    shop.say(maintainer, number, "/approve\n/merge")
    shop.settle()


def test_squash_lands_one_commit_as_tested_and_closes_with_a_comment_that_names_it(
    squashing: Workshop,
) -> None:
    shop, author, maintainer = squashing, ada(squashing), grace(squashing)
    number = two_commits(shop, author)
    base = shop.branch("main")
    asked(shop, maintainer, number)
    assert shop.standing(number) == "landed", shop.why(number)
    (landing,) = shop.rows(sa.select(landings))
    assert shop.served("log", "-1", "--format=%H %P %T", "main").split() == [
        landing.commit,
        base,
        landing.tree,
    ]
    assert ("done", landing.tree) in shop.runs()
    message = shop.served("log", "-1", "--format=%an%n%B", "main")
    assert (
        message.startswith(f"Ada\nSay one thing more (#{number})\n")
        and "Approved-by: grace" in message
    )
    assert shop.served("show", "main:one.html", "main:two.html") == "<p>1</p>\n<p>2</p>"
    assert shop.branch("deploy") == landing.commit

    assert shop.pull(number).state is PullState.CLOSED
    text = shop.status_text(number)
    assert landing.commit[:12] in text and "closed here, not shown as merged" in text
    before = shop.forge_seq()
    shop.look_again(number)
    assert shop.forge_seq() == before


def test_rebase_lands_each_commit_anew_on_the_target(rebasing: Workshop) -> None:
    shop, author, maintainer = rebasing, ada(rebasing), grace(rebasing)
    number = two_commits(shop, author)
    base = shop.branch("main")
    asked(shop, maintainer, number)
    assert shop.standing(number) == "landed", shop.why(number)
    subjects = shop.served("log", "--format=%an %s", f"{base}..main").splitlines()
    assert subjects == ["Ada Go on with it", "Ada Say one thing more"]
    assert shop.served("rev-list", "--merges", "main") == ""
    assert shop.pull(number).state is PullState.CLOSED


def test_rebase_lands_commits_that_stand_on_the_tip_as_they_are_and_they_show_as_merged(
    rebasing: Workshop,
) -> None:
    shop, author, maintainer = rebasing, ada(rebasing), grace(rebasing)
    number = shop.opens(author, {"one.html": "<p>1</p>\n"})
    head = shop.pull(number).head
    asked(shop, maintainer, number)
    assert shop.branch("main") == shop.branch("deploy") == head
    assert shop.pull(number).state is PullState.MERGED
    assert "not shown as merged" not in shop.status_text(number)


def test_a_rebase_that_a_single_commit_bars_is_the_authors_turn_with_what_to_do(
    rebasing: Workshop,
) -> None:
    """The whole merges cleanly, because the second commit takes back what the first one did."""
    shop, author, maintainer = rebasing, ada(rebasing), grace(rebasing)
    page = SITE["index.html"]
    shop.by_hand("main", {"index.html": page.replace("Line 1<", "Line one<")})
    number = shop.opens(
        author, {"index.html": page.replace("Line 1<", "Line I<")}, base="origin/main^"
    )
    shop.pushes(author, {"index.html": page, "new.html": "<p>New</p>\n"})
    before = shop.branch("main")
    asked(shop, maintainer, number)
    assert shop.branch("main") == before
    assert shop.standing(number) == "needs changes"
    assert "can't be rebased, commit" in shop.why(number)
    assert "rebase it onto the target and push" in shop.status_text(number)


def test_what_the_target_has_already_is_not_landed_as_an_empty_commit(squashing: Workshop) -> None:
    shop, author, maintainer = squashing, ada(squashing), grace(squashing)
    number = shop.opens(author, {"one.html": "<p>1</p>\n"})
    shop.by_hand("main", {"one.html": "<p>1</p>\n"})
    before = shop.branch("main")
    asked(shop, maintainer, number)
    assert shop.branch("main") == before
    assert "main has all that it changes already" in shop.why(number)


def test_on_bitbucket_cloud_a_squashed_one_is_declined_and_its_comment_names_the_commit(
    tmp_path: Path, databases: Databases
) -> None:
    clock = Clock()
    with (
        databases.house(tmp_path / "state"),
        BitbucketCloud(tmp_path / "cloud", now=clock.now) as cloud,
    ):
        cast = Cast(cloud, tmp_path, clock)
        shop = open_cloud_shop(tmp_path, cast)
        clone = cast.bob.clone(MAIN, "setup")
        cast.bob.commit(clone, {".intakebot.toml": config("squash")}, "Squash")
        cast.bob.must("push", "--quiet", "origin", "HEAD:main", within=clone)
        number, _ = cast.opens(title="Put a banner on the home page")
        cast.pushes({"more.html": "<p>More</p>\n"})
        shop.settle()
        cast.says(cast.bob, number, "/approve\n/merge")
        for _ in range(2):
            shop.settle()
        assert shop.standing(number) == "landed", shop.why(number)
        assert cloud.pull(MAIN, number).state == "DECLINED"
        assert shop.tip("main")[:12] in shop.status_text(number)
        assert shop.tip("main") == shop.tip("deploy")
        before = len(cloud.writes)
        shop.look_again(number)
        assert len(cloud.writes) == before
        shop.house.database.close()
        assert cloud.contract_errors == ()
