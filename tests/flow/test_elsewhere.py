"""Checks that another machine runs: tried on a branch of the bot's, judged by a build status."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from intakebot.core import config
from intakebot.model import Group, TryLater
from intakebot.store.tables import runs
from intakebot.world.people import Somebody
from tests import crashes
from tests.flow.conftest import ada, grace
from tests.flow.kept import broken
from tests.flow.waiting import a_while, branches
from tests.flow.workshop import Workshop

CI = '[checks.pipeline]\nexternal = "Pipelines"\ntimeout = "10m"\n'


@pytest.fixture
def machine(shop: Workshop) -> Somebody:
    """The account of another machine, which may write, as any CI's may."""
    shop.by_hand("main", {config.NAME: CI})
    return shop.person("jenkins", Group.OUTSIDER, access="write")


def tells(
    shop: Workshop, machine: Somebody, commit: str, state: str, name: str = "Pipelines"
) -> None:
    body = {"name": name, "state": state, "text": f"build 7: {state}", "url": "http://ci/7"}
    answer = machine.forge("PUT", f"/api/repos/{shop.repo_id}/builds/{commit}", body)
    assert answer.status_code == 200, answer.text


def tried(shop: Workshop, number: int) -> str:
    return shop.served("rev-parse", f"refs/heads/intake/try/{number}")


@pytest.fixture
def author(shop: Workshop) -> Somebody:
    return ada(shop)


def opened(shop: Workshop, author: Somebody) -> int:
    number = shop.opens(author, {"news.html": "<p>News</p>\n"})
    shop.settle()
    return number


def let_in(shop: Workshop, author: Somebody) -> tuple[Somebody, int]:
    number, maintainer = opened(shop, author), grace(shop)
    assert "intake/try" not in " ".join(branches(shop))
    shop.says(maintainer, number, "/ok-to-test")
    return maintainer, number


def test_nothing_is_tried_beside_secrets_before_somebody_has_looked(
    shop: Workshop, machine: Somebody, author: Somebody
) -> None:
    number = opened(shop, author)
    a_while(shop)
    assert shop.standing(number) == "needs ok-to-test"
    assert "pipeline runs beside secrets" in shop.why(number)
    assert "intake/try" not in " ".join(branches(shop))


def test_what_the_change_gives_is_tried_and_the_branch_goes_when_the_build_has_ended(
    shop: Workshop, machine: Somebody, author: Somebody
) -> None:
    maintainer, number = let_in(shop, author)
    assert shop.standing(number) == "checking"
    commit = tried(shop, number)
    head = shop.pull(number).head
    assert shop.served("rev-parse", f"{commit}^{{tree}}") == shop.served(
        "rev-parse", f"{head}^{{tree}}"
    )
    tells(shop, machine, commit, "pending")
    a_while(shop)
    assert shop.standing(number) == "checking"
    tells(shop, machine, commit, "success")
    a_while(shop)
    assert shop.standing(number) == "needs review", shop.why(number)
    assert f"intake/try/{number}" not in branches(shop)
    shop.land(maintainer, number)
    assert broken(shop.house) == []


def test_a_build_that_fails_is_the_changes_to_mend_and_a_push_has_to_be_looked_at_again(
    shop: Workshop, machine: Somebody, author: Somebody
) -> None:
    _, number = let_in(shop, author)
    tells(shop, machine, tried(shop, number), "failure")
    a_while(shop)
    assert shop.standing(number) == "needs changes", shop.why(number)
    assert "build 7: failure" in " ".join(shop.bot_says(number).values())
    shop.pushes(author, {"news.html": "<p>Better</p>\n"})
    shop.settle()
    assert shop.standing(number) == "needs ok-to-test"
    assert f"intake/try/{number}" not in branches(shop)


def test_what_another_build_or_an_older_one_said_is_no_answer(
    shop: Workshop, machine: Somebody, author: Somebody
) -> None:
    maintainer, number = let_in(shop, author)
    first = tried(shop, number)
    tells(shop, machine, first, "success", name="Another")
    a_while(shop)
    assert shop.standing(number) == "checking"
    tells(shop, machine, first, "failure")
    a_while(shop)
    assert shop.standing(number) == "needs changes"
    shop.says(maintainer, number, "/recheck")
    second = tried(shop, number)
    assert second != first
    a_while(shop)
    assert shop.standing(number) == "checking"
    tells(shop, machine, second, "success")
    a_while(shop)
    assert shop.standing(number) == "needs review", shop.why(number)


def test_a_machine_that_says_nothing_is_ours_to_see_to(
    shop: Workshop, machine: Somebody, author: Somebody
) -> None:
    _, number = let_in(shop, author)
    a_while(shop, timedelta(minutes=11))
    assert shop.standing(number) == "blocked by us"
    assert "has said nothing within 600 s" in " ".join(shop.bot_says(number).values())
    assert f"intake/try/{number}" not in branches(shop)


def test_one_that_is_closed_meanwhile_leaves_no_branch(
    shop: Workshop, machine: Somebody, author: Somebody
) -> None:
    _, number = let_in(shop, author)
    tried(shop, number)
    shop.change(author, number, state="closed")
    shop.look_again(number)
    a_while(shop)
    assert f"intake/try/{number}" not in branches(shop)


def test_nobody_else_writes_such_a_branch_and_only_who_may_write_tells_of_a_build(
    shop: Workshop, machine: Somebody, author: Somebody
) -> None:
    _, number = let_in(shop, author)
    clone, branch = machine.clone(), f"intake/try/{number}"
    said = machine.git("push", "origin", f"+HEAD:refs/heads/{branch}", within=clone)
    assert not said.ok and branch in said.text
    body = {"name": "Pipelines", "state": "success"}
    answer = author.forge("PUT", f"/api/repos/{shop.repo_id}/builds/{tried(shop, number)}", body)
    assert answer.status_code == 403
    a_while(shop)
    assert shop.standing(number) == "checking"


def test_two_checks_at_once_share_one_build_and_a_race_for_the_branch_is_tried_again(
    shop: Workshop, machine: Somebody, author: Somebody
) -> None:
    both = CI + CI.replace("[checks.pipeline]", "[checks.nightly]").replace("Pipelines", "Nightly")
    shop.by_hand("main", {config.NAME: both})
    number, maintainer = opened(shop, author), grace(shop)
    lock = shop.state / "git/main/site.git/refs/heads/intake/try" / f"{number}.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()  # as while another push moves it
    shop.say(maintainer, number, "/ok-to-test")
    with pytest.raises(TryLater, match="somebody else moves"):
        shop.settle()
    lock.unlink()
    a_while(shop)
    assert shop.standing(number) == "checking", shop.why(number)
    commits = {row.tried for row in shop.rows(sa.select(runs.c.tried))}
    assert commits == {tried(shop, number)}
    for name in ("Pipelines", "Nightly"):
        tells(shop, machine, tried(shop, number), "success", name=name)
    a_while(shop)
    a_while(shop)
    assert shop.standing(number) == "needs review", shop.why(number)
    assert f"intake/try/{number}" not in branches(shop)


@pytest.mark.parametrize(("step", "times"), crashes.cases("elsewhere"))
def test_a_worker_that_dies_on_the_way_leaves_nothing_behind(
    shop: Workshop, machine: Somebody, author: Somebody, step: str, times: int
) -> None:
    """Two rounds, so that it comes by twice."""
    number, maintainer = opened(shop, author), grace(shop)
    shop.say(maintainer, number, "/ok-to-test")

    def goes_on() -> None:
        shop.settle()
        for word in ("failure", "success"):
            tells(shop, machine, tried(shop, number), word)
            a_while(shop)
            a_while(shop)
            if word == "failure":
                shop.says(maintainer, number, "/recheck")

    assert shop.dies(goes_on, step, times)
    for _ in range(3):
        a_while(shop, timedelta(minutes=1))
    if shop.standing(number) == "checking":
        tells(shop, machine, tried(shop, number), "success")
    elif shop.standing(number) == "needs changes":
        shop.says(maintainer, number, "/recheck")
        tells(shop, machine, tried(shop, number), "success")
    a_while(shop, timedelta(minutes=1))
    a_while(shop, timedelta(minutes=1))
    assert shop.standing(number) == "needs review", shop.why(number)
    assert f"intake/try/{number}" not in branches(shop)
