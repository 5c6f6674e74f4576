"""Landing: exactly what was tested, one after the other, and never by force."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from intakebot.model import Group, Role
from intakebot.store.tables import entries, landings, looks, people, receipts
from intakebot.world.people import Somebody
from tests.flow.conftest import ada, grace
from tests.flow.workshop import Workshop

pytestmark = pytest.mark.long


def approved(shop: Workshop, author: Somebody, maintainer: Somebody, name: str) -> int:
    number = shop.opens(author, {f"{name}.html": f"<p>{name}</p>\n"}, branch=name)
    shop.say(maintainer, number, "/approve")
    shop.settle()
    return number


def entry_states(shop: Workshop, number: int) -> list[tuple[str, str]]:
    rows = shop.rows(sa.select(entries).where(entries.c.number == number).order_by(entries.c.id))
    return [(row.state, row.why) for row in rows]


def test_what_lands_is_exactly_the_tested_commit_and_the_receipt_tells_all(
    checked_shop: Workshop,
) -> None:
    shop, author, maintainer = checked_shop, ada(checked_shop), grace(checked_shop)
    start = shop.branch("main")
    number = approved(shop, author, maintainer, "news")
    assert shop.standing(number) == "ready"
    assert "It stands at *queued*" in shop.says(maintainer, number, "/merge")
    shop.settle()

    head = shop.pull(number).head
    (landing,) = shop.rows(sa.select(landings))
    assert shop.branch("main") == shop.branch("deploy") == landing.commit
    assert shop.served("rev-parse", "main^1", "main^2").split() == [start, head]
    assert (landing.base, landing.head) == (start, head)
    assert landing.tree == shop.tree("deploy")
    assert ("done", landing.tree) in shop.runs()
    assert len(landing.checks) == 1
    assert landing.landed_at <= landing.deployed_at
    assert landing.asked_login == "grace"
    assert landing.rules_digest == shop.house.rules_digest
    last_before = shop.rows(sa.select(looks.c.facts_digest).where(looks.c.state == "queued"))
    assert landing.facts_digest in [row.facts_digest for row in last_before]
    message = shop.served("log", "-1", "--format=%B", "main")
    assert "Approved-by: grace" in message and "Merge-asked-by: grace" in message
    assert {row.state for row in shop.rows(sa.select(receipts))} == {"done"}
    assert "bring your fork up to date" in shop.status_text(number)


def test_the_two_commands_bring_the_authors_fork_up_to_date_and_open_nothing(
    shop: Workshop,
) -> None:
    author, maintainer = ada(shop), grace(shop)
    number = approved(shop, author, maintainer, "news")
    shop.says(maintainer, number, "/merge")
    shop.settle()
    block = re.search(r"```sh\n(.+?)```", shop.status_text(number), re.DOTALL)
    assert block is not None

    pasted = author.paste(block[1], shop.clone(author))

    assert pasted.ok, pasted.text
    assert "Pull request" not in pasted.text
    tip = author.must("ls-remote", author.url(author.login), "refs/heads/main").split()[0]
    assert tip == shop.branch("main")


def test_a_landing_that_is_built_again_gets_the_same_id(shop: Workshop) -> None:
    author, maintainer = ada(shop), grace(shop)
    number = approved(shop, author, maintainer, "news")
    shop.say(maintainer, number, "/merge")
    assert shop.settle_in_a_process_that_dies("merge.before_push")
    (intended,) = shop.rows(sa.select(landings))

    shop.restart()
    shop.settle()

    (landing,) = shop.rows(sa.select(landings))
    assert landing.commit == intended.commit == shop.branch("main")
    assert landing.intended_at > intended.intended_at


def test_when_main_moves_while_testing_it_is_built_and_tested_again(
    checked_shop: Workshop,
) -> None:
    shop, author, maintainer = checked_shop, ada(checked_shop), grace(checked_shop)
    number = approved(shop, author, maintainer, "news")
    moved = shop.by_hand("main", {"README": "Moved.\n"})
    shop.say(maintainer, number, "/merge")
    shop.settle(checks=False)
    assert entry_states(shop, number) == [("testing", "")]
    moved = shop.by_hand("main", {"README": "Moved again.\n"})
    shop.settle()

    assert shop.standing(number) == "landed", shop.why(number)
    assert shop.served("rev-parse", "main^1") == moved
    assert ("done", shop.tree("deploy")) in shop.runs()


def test_two_changes_that_are_green_alone_and_not_together_do_not_both_land(
    shop: Workshop,
) -> None:
    check = '[checks.pair]\nrun = "test -e both || ! (test -e one.html && test -e two.html)"\n'
    shop.by_hand("main", {".intakebot.toml": check})
    author, maintainer = ada(shop), grace(shop)
    one = approved(shop, author, maintainer, "one")
    two = approved(shop, author, maintainer, "two")
    for number in (one, two):
        shop.say(maintainer, number, "/merge")
    shop.settle()
    shop.settle()

    assert shop.standing(one) == "landed"
    assert shop.standing(two) == "needs changes"
    assert "the merge result does not pass (pair: failed with exit status 1)" in shop.why(two)
    assert shop.served("ls-tree", "--name-only", "deploy").count("two.html") == 0

    outsider = shop.says(author, two, "/merge")
    assert "You can't `/merge` here" in outsider
    shop.settle()
    assert shop.standing(two) == "needs changes"  # a denied /merge is no new try

    shop.by_hand("main", {"both": "They may go together.\n"})
    assert "It stands at *queued*" in shop.says(maintainer, two, "/merge")
    shop.settle()
    assert shop.standing(two) == "landed", shop.why(two)


def test_a_hold_keeps_a_queued_one_from_landing_and_its_end_lets_it_land(
    checked_shop: Workshop,
) -> None:
    shop, author, maintainer = checked_shop, ada(checked_shop), grace(checked_shop)
    number = approved(shop, author, maintainer, "news")
    shop.by_hand("main", {"README": "Moved.\n"})
    shop.say(maintainer, number, "/merge")
    shop.settle(checks=False)
    before = shop.branch("main")
    shop.say(maintainer, number, "/hold until Monday")
    shop.settle()
    assert shop.standing(number) == "on hold"
    assert shop.branch("main") == before

    shop.says(maintainer, number, "/unhold")
    shop.settle()
    assert shop.standing(number) == "landed", shop.why(number)
    assert [state for state, _ in entry_states(shop, number)] == ["dropped", "landed"]


def test_a_hold_after_a_kill_on_the_way_to_the_push_ends_in_one_whole_landing(
    shop: Workshop,
) -> None:
    """The dropped entry and the new one come to the very same commit."""
    author, maintainer = ada(shop), grace(shop)
    number = approved(shop, author, maintainer, "news")
    shop.say(maintainer, number, "/merge")
    assert shop.settle_in_a_process_that_dies("merge.before_push")
    shop.restart()
    shop.say(maintainer, number, "/hold")
    shop.settle()
    assert shop.standing(number) == "on hold"

    shop.says(maintainer, number, "/unhold")
    shop.settle()

    assert shop.standing(number) == "landed", shop.lane_problem()
    (landing,) = shop.rows(sa.select(landings))
    assert landing.deployed_at and landing.commit == shop.branch("deploy")


def test_a_push_while_queued_drops_it_and_voids_the_merge(checked_shop: Workshop) -> None:
    shop, author, maintainer = checked_shop, ada(checked_shop), grace(checked_shop)
    number = approved(shop, author, maintainer, "news")
    shop.by_hand("main", {"README": "Moved.\n"})
    shop.say(maintainer, number, "/merge")
    shop.settle(checks=False)
    before, old = shop.branch("main"), shop.pull(number).head
    shop.pushes(author, {"news.html": "<p>Other news</p>\n"}, branch="news")
    shop.settle()
    shop.settle()

    assert shop.branch("main") == before
    assert entry_states(shop, number) == [("dropped", "a newer commit was pushed")]
    assert shop.standing(number) == "needs review"
    (said,) = [text for key, text in shop.bot_says(number).items() if key.startswith("void:")]
    assert said.startswith(f"The approval by Grace and the `/merge` by Grace were for `{old[:12]}`")


def test_two_queued_pull_requests_land_one_after_the_other(checked_shop: Workshop) -> None:
    shop, author, maintainer = checked_shop, ada(checked_shop), grace(checked_shop)
    numbers = [approved(shop, author, maintainer, name) for name in ("one", "two")]
    for number in numbers:
        shop.say(maintainer, number, "/merge")
    shop.settle()
    shop.settle()
    assert [shop.standing(number) for number in numbers] == ["landed", "landed"]
    first, second = shop.rows(sa.select(landings).order_by(landings.c.id))
    assert second.base == first.commit
    assert second.commit == shop.branch("deploy")
    assert {first.tree, second.tree} <= {tree for state, tree in shop.runs() if state == "done"}


@pytest.mark.parametrize(
    ("values", "standing", "why"),
    [
        ({"state": "closed"}, "closed", "it no longer stands at queued: It was closed."),
        ({"draft": True}, "draft", "it no longer stands at queued: It is marked as a draft."),
        ({"target": "next"}, "needs changes", "its target is next by now"),
    ],
)
def test_one_that_is_closed_or_changed_while_queued_is_dropped(
    checked_shop: Workshop, values: Mapping[str, object], standing: str, why: str
) -> None:
    shop, author, maintainer = checked_shop, ada(checked_shop), grace(checked_shop)
    shop.served("branch", "next", "main")
    number = approved(shop, author, maintainer, "news")
    shop.by_hand("main", {"README": "Moved.\n"})
    shop.say(maintainer, number, "/merge")
    shop.settle(checks=False)
    before = shop.branch("main")
    shop.change(author, number, **values)
    shop.settle(checks=False)
    assert shop.branch("main") == before
    assert entry_states(shop, number)[0] == ("dropped", why)
    assert shop.standing(number) == standing


# --- the deploy branch ----------------------------------------------------------------


def test_a_deploy_branch_moved_by_hand_is_never_forced_and_the_operator_is_told(
    shop: Workshop,
) -> None:
    author, maintainer = ada(shop), grace(shop)
    number = approved(shop, author, maintainer, "news")
    aside = shop.by_hand("deploy", {"README": "A hot fix by hand.\n"})
    shop.says(maintainer, number, "/merge")
    shop.settle()

    assert shop.branch("deploy") == aside
    assert shop.standing(number) == "landed"
    (landing,) = shop.rows(sa.select(landings))
    assert landing.landed_at and not landing.deployed_at
    assert "it holds commits that main has not" in shop.lane_problem()
    assert "Bring it back to a commit of main" in shop.lane_problem()

    shop.served("update-ref", "refs/heads/deploy", landing.base)
    shop.passes(timedelta(minutes=1))
    shop.sweep()
    assert shop.branch("deploy") == landing.commit
    assert shop.lane_problem() == ""


def test_while_the_deploy_branch_stays_behind_the_next_one_lands_and_heals_it(
    shop: Workshop,
) -> None:
    author, maintainer = ada(shop), grace(shop)
    aside = shop.by_hand("deploy", {"CNAME": "A hot fix by hand.\n"})
    first = approved(shop, author, maintainer, "news")
    shop.says(maintainer, first, "/merge")
    shop.settle()
    assert shop.standing(first) == "landed" and shop.branch("deploy") == aside

    clone = shop.clone(author)
    author.must("fetch", "--quiet", author.url(), "deploy", within=clone)
    author.must("switch", "--quiet", "-C", "fix", "FETCH_HEAD", within=clone)
    author.commit(clone, {"fix.html": "<p>The hot fix, and more</p>\n"}, "Bring the hot fix in")
    shop.push(author, "fix", options=["title=Bring the hot fix into main"])
    shop.settle()
    healing = shop.newest()
    shop.says(maintainer, healing, "/approve")
    shop.says(maintainer, healing, "/merge")
    shop.settle()
    assert shop.standing(healing) == "landed"
    assert shop.branch("deploy") == shop.branch("main")
    assert shop.lane_problem() == ""


def test_when_the_forge_refuses_the_bots_push_what_waits_is_blocked_by_us_until_it_is_let(
    shop: Workshop,
) -> None:
    author, maintainer = ada(shop), grace(shop)
    first, second = (approved(shop, author, maintainer, name) for name in ("one", "two"))
    whole = shop.house
    no_right = replace(whole, landing=whole.mirror)  # the credential that only reads
    shop.house = no_right
    shop.says(maintainer, first, "/merge")
    shop.says(maintainer, second, "/merge")
    shop.settle()
    for number in (first, second):
        assert shop.standing(number) == "blocked by us"
        assert "the forge refuses the bot's push to main" in shop.why(number)

    shop.house = whole
    shop.passes(timedelta(minutes=1))
    shop.sweep()
    shop.settle()
    assert [shop.standing(number) for number in (first, second)] == ["landed", "landed"]


def test_by_command_the_deploy_branch_waits_for_deploy(shop: Workshop) -> None:
    shop.by_hand("main", {".intakebot.toml": '[merge]\npromote = "by-command"\n'})
    author, maintainer = ada(shop), grace(shop)
    start = shop.branch("deploy")
    one = approved(shop, author, maintainer, "one")
    assert "not landed yet" in shop.says(maintainer, one, "/deploy")
    two = approved(shop, author, maintainer, "two")
    shop.land(maintainer, one)
    shop.land(maintainer, two)
    assert shop.branch("deploy") == start

    assert "You can't `/deploy` here" in shop.says(author, one, "/deploy")
    assert shop.branch("deploy") == start
    shop.says(maintainer, one, "/deploy")
    first, second = shop.rows(sa.select(landings).order_by(landings.c.id))
    assert shop.branch("deploy") == first.commit != second.commit
    assert first.deployed_at and not second.deployed_at


def test_a_change_that_main_contains_already_is_merged_and_nothing_lands(shop: Workshop) -> None:
    author, maintainer = ada(shop), grace(shop)
    number = approved(shop, author, maintainer, "news")
    head = shop.pull(number).head
    shop.served("fetch", "--quiet", str(shop.state / "git" / "ada" / "site.git"), head)
    shop.served("update-ref", "refs/heads/main", head)
    shop.say(maintainer, number, "/merge")
    shop.settle()
    shop.settle()
    assert shop.rows(sa.select(landings)) == []
    assert shop.branch("main") == head
    assert shop.standing(number) in ("merged", "needs changes")


def test_an_approval_stops_counting_with_its_authors_role(shop: Workshop) -> None:
    author, maintainer = ada(shop), grace(shop)
    number = approved(shop, author, maintainer, "news")
    assert shop.standing(number) == "ready"
    with shop.house.database.write() as connection:
        connection.execute(
            sa.update(people).where(people.c.name == "Grace").values(roles=["contributor"])
        )
    shop.says(author, number, "/status")
    assert shop.standing(number) == "needs review"


def test_an_approval_stops_counting_with_its_authors_access_at_the_forge(shop: Workshop) -> None:
    author, maintainer = ada(shop), grace(shop)
    sam = shop.person("sam", Group.STAFF, roles=(Role.MAINTAINER,), access="write")
    number = approved(shop, author, sam, "news")
    before = shop.branch("main")
    shop.grants("sam", "none")
    shop.says(maintainer, number, "/merge")
    assert shop.standing(number) == "needs review"
    assert shop.branch("main") == before


def test_a_merge_stops_counting_with_its_authors_access_at_the_forge(shop: Workshop) -> None:
    author, maintainer = ada(shop), grace(shop)
    number = approved(shop, author, maintainer, "news")
    sam = shop.person("sam", Group.STAFF, roles=(Role.MAINTAINER,), access="write")
    shop.says(sam, number, "/hold")
    shop.says(maintainer, number, "/merge")
    before = shop.branch("main")
    shop.grants("grace", "read")
    shop.says(sam, number, "/unhold")
    assert shop.standing(number) == "ready"
    assert shop.branch("main") == before


def test_a_landing_that_would_carry_an_unapproved_one_along_is_refused_until_that_is_ready(
    shop: Workshop,
) -> None:
    author, maintainer = ada(shop), grace(shop)
    below = shop.opens(author, {"one.html": "<p>One</p>\n"}, branch="one")
    above = shop.opens(author, {"two.html": "<p>Two</p>\n"}, branch="two", base="one")
    shop.settle()
    before = shop.branch("main")
    shop.says(maintainer, above, "/approve")
    shop.says(maintainer, above, "/merge")
    shop.settle()
    assert shop.branch("main") == before
    assert shop.standing(above) == "needs changes"
    assert f"it holds all commits of #{below}" in shop.why(above)

    shop.says(maintainer, below, "/approve")
    shop.says(maintainer, above, "/merge")
    shop.settle()
    assert shop.standing(above) == "landed"
    assert shop.standing(below) == "merged"
