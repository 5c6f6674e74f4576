"""What changes between the moment it was checked and the moment it lands (5.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from intakebot.flow.house import House
from intakebot.model import PullState, Repo
from intakebot.repo.mirror import Mirror
from intakebot.store.tables import entries, pulls, runs
from tests.attacks.cast import Cast, cast_in
from tests.flow.cloud_shop import CloudShop
from tests.flow.conftest import CHECKS, SITE
from tests.forges.bitbucket_cloud import cast as cloud_cast
from tests.forges.bitbucket_cloud.cast import MAIN


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory, checking: House) -> Iterator[Cast]:
    files = {**SITE, ".intakebot.toml": CHECKS}
    with cast_in(tmp_path_factory.mktemp("time"), files, checking) as cast:
        yield cast


# --- while the merge result is being tested -------------------------------------------


def being_tested(cast: Cast) -> int:
    """A pull request that only waits for the check of what merging it gives."""
    shop, number = cast.shop, cast.approved()
    shop.by_hand("main", {f"moved-{number}": "Moved.\n"})
    shop.say(cast.grace, number, "/merge")
    shop.settle(checks=False)
    states = sa.select(entries.c.state).where(entries.c.number == number)
    assert shop.rows(states) == [("testing",)]
    return number


def loses_permission(cast: Cast, number: int) -> None:
    cast.shop.grants("grace", "read")


def takes_the_approval_back(cast: Cast, number: int) -> None:
    (approval,) = (one for one in cast.shop.pull(number).comments if one.text == "/approve")
    cast.shop.delete(cast.grace, number, approval.id)


def asks_for_more_approvals(cast: Cast, number: int) -> None:
    cast.shop.by_hand("main", {".intakebot.toml": f"[review]\napprovals = 2\n{CHECKS}"})


def asks_for_changes(cast: Cast, number: int) -> None:
    cast.shop.review(cast.sam, number, "changes_requested")


@pytest.mark.parametrize(
    "act", [loses_permission, takes_the_approval_back, asks_for_more_approvals, asks_for_changes]
)
def test_what_is_taken_back_while_the_result_is_tested_does_not_land(
    cast: Cast, act: Callable[[Cast, int], None]
) -> None:
    shop, number = cast.shop, being_tested(cast)
    act(cast, number)
    before = shop.branch("main")
    shop.settle()
    shop.settle()
    assert shop.branch("main") == before
    assert shop.standing(number) in ("needs review", "needs changes", "ready"), shop.why(number)
    shop.grants("grace", "write")
    shop.change(cast.ada, number, state="closed")
    shop.by_hand("main", {".intakebot.toml": f"{CHECKS}# As before {number}.\n"})


def test_a_result_that_comes_late_counts_for_its_own_tree_alone(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    shop.settle(checks=False)
    (late,) = (bell for bell in shop.bell.waiting if bell.startswith("run:"))
    cast.pushes(number, {f"page-{cast.opened}.html": "BROKEN\n"})
    shop.do(late)
    shop.settle(checks=False)
    assert shop.standing(number) == "checking"
    shop.settle()
    assert shop.standing(number) == "needs changes"
    outcomes = shop.rows(sa.select(runs.c.outcome).order_by(runs.c.id.desc()).limit(3))
    target, new, old = (row.outcome for row in outcomes)
    assert (old, new, target) == ("passed", "failed", "passed")


def test_a_push_at_the_last_moment_stays_outside(cast: Cast) -> None:
    """After our last look at the forge, right before the landing is pushed."""
    shop, number = cast.shop, cast.approved()
    approved, whole = shop.pull(number).head, shop.house
    slipped: list[str] = []

    def landing(repo: Repo) -> Mirror:
        if not slipped:
            slipped.append(cast.pushes(number, {"slipped-in.html": "<p>In?</p>\n"}))
        return whole.landing(repo)

    shop.house = replace(whole, landing=landing)
    shop.says(cast.grace, number, "/merge")
    shop.house = whole
    shop.settle()
    assert slipped == [shop.pull(number).head]
    assert shop.served("rev-parse", "main^2") == approved
    assert "slipped-in.html" not in shop.served("ls-tree", "-r", "--name-only", "main")
    assert shop.pull(number).state is PullState.OPEN
    assert shop.standing(number) == "needs review", shop.why(number)

    shop.says(cast.grace, number, "/approve")
    shop.says(cast.grace, number, "/merge")
    shop.settle()
    assert shop.standing(number) == "landed"
    assert "slipped-in.html" in shop.served("ls-tree", "-r", "--name-only", "deploy")


# --- what people can do at Bitbucket Cloud --------------------------------------------


def test_a_branch_that_is_rewound_while_something_is_queued_freezes(cloud: CloudShop) -> None:
    cast = cloud.cast
    first, _ = cast.opens("first", {"first.html": "<p>1</p>\n"}, title="Add a first page")
    cloud.settle()
    start = cloud.tip("main")
    cast.says(cast.bob, first, "/approve\n/merge")
    cloud.settle()
    cloud.settle()
    assert cloud.standing(first) == "landed", cloud.why(first)
    second, _ = cast.opens("second", {"second.html": "<p>2</p>\n"}, title="Add a second page")
    cloud.settle()
    cast.says(cast.bob, second, "/approve\n/merge")
    cast.cloud.move_branch(MAIN, "main", start, by="bob")
    cloud.settle()
    cloud.settle()
    assert cloud.tip("main") == start
    assert cloud.standing(second) == "blocked by us"
    assert "past the pull requests" in cloud.why(second)
    (incident,) = cloud.incidents()
    assert (incident.kind, incident.ref) == ("force-push", "refs/heads/main")


def test_a_repository_made_anew_under_the_old_name_inherits_nothing(cloud: CloudShop) -> None:
    """The same name, and the same number of a pull request: approved there, and not here."""
    cast = cloud.cast
    number, _ = cast.opens(title="Put a banner on the home page")
    cloud.settle()
    cast.says(cast.bob, number, "/approve")
    cloud.settle()
    assert cloud.standing(number) == "ready"

    old = cast.repo_id
    assert anew(cloud) == number and cast.repo_id != old
    cloud.settle()
    with cloud.house.database.read() as connection:
        states = connection.scalars(sa.select(pulls.c.state).order_by(pulls.c.id)).all()
    assert states == ["ready", "needs review"]


def anew(cloud: CloudShop) -> int:
    """Delete the main repository and the fork, make them once more, and open the same again."""
    cast = cloud.cast
    for name in ("ada/site", MAIN):
        cast.cloud.delete_repository(name)
    cast.cloud.repository(MAIN, cloud_cast.PAGE)
    for who, level in (("ada", "read"), ("bob", "write"), ("intakebot", "admin")):
        cast.cloud.grant(who, MAIN, level)
    cast.cloud.fork("ada", MAIN, inherit=True)
    cast.cloud.grant("ada", "ada/site", "admin")
    main = cast.cloud.at(MAIN)
    cloud.repo_id = cast.repo_id = main.uuid
    cast.connections[:] = [replace(cast.connection, repo_id=main.uuid)]
    cast.clone = cast.ada.clone("ada/site", "again")
    number, _ = cast.opens(title="Put a banner on the home page")
    return number
