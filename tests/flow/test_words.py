"""People's words on a real pull request: answered once, and edits and deletions only tighten."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from intakebot.flow.house import House
from intakebot.model import ContributorError, Group, Role
from intakebot.wiring import built_in_forge
from intakebot.world.people import Somebody
from tests.databases import Databases
from tests.flow.conftest import SITE, ada, checking_shop, grace
from tests.flow.workshop import Workshop


class Cast:
    """One shop for the whole file; each test opens a pull request of its own."""

    def __init__(self, shop: Workshop) -> None:
        self.shop = shop
        self.ada = ada(shop)
        self.grace = grace(shop)
        maintainer = (Role.MAINTAINER,)
        self.alan = shop.person("alan", Group.AGENCY, agency="Alder", roles=maintainer)
        self.sam = shop.person("sam", Group.STAFF, roles=maintainer, access="write")
        self.opened = 0

    def opens(self) -> int:
        self.opened += 1
        name = f"page-{self.opened}"
        return self.shop.opens(self.ada, {f"{name}.html": "<p>New</p>\n"}, branch=name)

    def pushes(self, text: str) -> str:
        """One more commit on the newest pull request."""
        name = f"page-{self.opened}"
        return self.shop.pushes(self.ada, {f"{name}.html": text}, branch=name)


@pytest.fixture(scope="module")
def cast(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, checking: House
) -> Iterator[Cast]:
    with checking_shop(tmp_path_factory.mktemp("words"), databases, checking, SITE) as shop:
        yield Cast(shop)


def approvals(shop: Workshop, number: int) -> bool:
    """Whether what is needed is there: the one approval."""
    assert shop.standing(number) in ("ready", "needs review"), shop.why(number)
    return shop.standing(number) == "ready"


def voids(shop: Workshop, number: int) -> list[str]:
    return [text for key, text in shop.bot_says(number).items() if key.startswith("void:")]


# --- once, and never silent -----------------------------------------------------------


def test_a_word_is_answered_once_however_often_it_is_looked_at(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    comment = shop.say(cast.ada, number, "/staus")
    shop.settle()
    assert "Did you mean `/status`?" in shop.answer_to(number, comment)
    for _ in range(3):
        shop.look_again(number)
    assert len(shop.marks(number)) == 2


def test_of_contradictory_commands_the_hold_wins(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    shop.says(cast.grace, number, "/approve")
    before = shop.branch("main")
    answer = shop.says(cast.grace, number, "/hold\n/merge")
    assert "On hold." in answer and "It stands at *on hold*" in answer
    assert shop.standing(number) == "on hold"
    assert shop.branch("main") == before


# --- who may approve ------------------------------------------------------------------


def test_the_author_cannot_approve_and_is_told_who_can(cast: Cast) -> None:
    answer = cast.shop.says(cast.ada, cast.opens(), "/approve")
    assert "You can't `/approve` here." in answer
    assert "Grace" in answer and "Sam" in answer and "Alan" not in answer


def test_a_colleague_of_the_same_agency_cannot_approve_and_is_told_who_can(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    answer = shop.says(cast.alan, number, "/approve")
    assert "You and the author are both from Alder. Grace or Sam can approve it." in answer
    assert not approvals(shop, number)


def test_whoever_pushed_to_it_cannot_approve_it(cast: Cast) -> None:
    shop = cast.shop
    clone = shop.clone(cast.sam)
    cast.sam.must("switch", "--quiet", "-C", "shared", "origin/main", within=clone)
    cast.sam.commit(clone, {"shared.html": "<p>Sam</p>\n"}, "Start a page together")
    cast.sam.must("push", "-o", "pull", "origin", "HEAD:refs/heads/shared", within=clone)
    theirs = shop.clone(cast.grace)
    cast.grace.must("switch", "--quiet", "-C", "shared", "origin/shared", within=theirs)
    cast.grace.commit(theirs, {"shared.html": "<p>Sam and Grace</p>\n"}, "Go on with it")
    cast.grace.must("push", "origin", "HEAD:refs/heads/shared", within=theirs)
    shop.settle()
    number = shop.newest()

    assert "Nobody approves their own change." in shop.says(cast.sam, number, "/approve")
    answer = shop.says(cast.grace, number, "/approve")
    assert "You pushed to this change, so somebody else has to approve it." in answer
    assert not approvals(shop, number)


# --- approvals belong to a commit -----------------------------------------------------


def test_a_push_voids_the_approval_and_that_is_said_once(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    shop.says(cast.grace, number, "/approve")
    assert approvals(shop, number)
    old = shop.pull(number).head
    cast.pushes("<p>Something else</p>\n")
    for _ in range(3):
        shop.look_again(number)
    assert not approvals(shop, number)
    said = voids(shop, number)
    assert len(said) == 1 and said[0].startswith(f"The approval by Grace was for `{old[:12]}`")


def test_pushing_the_old_commit_back_brings_nothing_back_to_life(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    name, clone = f"page-{cast.opened}", shop.clone(cast.ada)
    shop.says(cast.grace, number, "/approve")
    old = shop.pull(number).head
    cast.pushes("<p>Something else</p>\n")
    shop.settle()
    before = shop.branch("main")
    cast.ada.must("reset", "--quiet", "--hard", old, within=clone)
    shop.push(cast.ada, name)
    shop.settle()
    shop.says(cast.grace, number, "/merge")
    assert shop.pull(number).head == old
    assert shop.standing(number) == "needs review"
    assert shop.branch("main") == before

    shop.says(cast.grace, number, "/approve")
    assert shop.standing(number) == "landed"
    assert len(voids(shop, number)) == 1


def test_a_merge_made_void_does_not_come_back_with_the_old_commit(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    name, clone = f"page-{cast.opened}", shop.clone(cast.ada)
    shop.says(cast.grace, number, "/merge")
    old = shop.pull(number).head
    cast.pushes("<p>Something else</p>\n")
    cast.ada.must("reset", "--quiet", "--hard", old, within=clone)
    shop.push(cast.ada, name)
    shop.settle()
    assert "The `/merge` by Grace was for" in voids(shop, number)[0]
    shop.says(cast.sam, number, "/approve")
    assert shop.standing(number) == "ready"


def test_an_approval_counts_for_the_target_of_its_moment_alone(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    shop.served("branch", "loose", "main")
    shop.change(cast.ada, number, target="loose")
    shop.settle()
    shop.say(cast.grace, number, "/approve")
    shop.change(cast.ada, number, target="main")  # before the bot has read a word
    shop.settle()
    assert shop.standing(number) == "needs review"
    assert "for merging into `loose`; it was turned to `main`" in voids(shop, number)[0]


def test_a_review_counts_for_the_target_of_its_moment_alone(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    shop.served("branch", "other", "main")
    shop.change(cast.ada, number, target="other")
    shop.settle()
    shop.review(cast.grace, number, "approved")
    shop.change(cast.ada, number, target="main")
    shop.settle()
    assert shop.standing(number) == "needs review"


def test_an_approval_is_not_brought_back_by_turning_the_target_there_and_back(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    shop.says(cast.grace, number, "/approve")
    assert approvals(shop, number)
    shop.served("branch", "aside", "main")
    shop.change(cast.ada, number, target="aside")
    shop.change(cast.ada, number, target="main")
    shop.settle()
    assert shop.standing(number) == "needs review"
    assert len(voids(shop, number)) == 1


def test_an_approval_outlives_a_push_that_gives_the_same_result(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    shop.says(cast.grace, number, "/approve")
    clone = shop.clone(cast.ada)
    cast.ada.must("commit", "--quiet", "--amend", "--message", "Better said", within=clone)
    shop.push(cast.ada, f"page-{cast.opened}")
    shop.settle()
    assert approvals(shop, number)
    assert not [key for key in shop.bot_says(number) if key.startswith("void:")]


def test_an_approval_does_not_outlive_a_change_of_indentation(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    shop.says(cast.grace, number, "/approve")
    cast.pushes("  <p>New</p>\n")
    shop.settle()
    assert not approvals(shop, number)


def test_a_merge_for_an_older_head_than_the_one_there_is_void(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    old = shop.pull(number).head
    new = cast.pushes("<p>Newer</p>\n")
    shop.say(cast.grace, number, "/approve")
    comment = shop.say(cast.grace, number, "/merge", seen_head=old)
    before = shop.branch("main")
    shop.settle()
    answer = shop.answer_to(number, comment)
    assert f"You saw `{old[:12]}`, but the head is `{new[:12]}` by now." in answer
    assert shop.standing(number) == "ready"
    assert shop.branch("main") == before


def test_a_merge_said_before_the_push_arrived_is_void(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    comment = shop.say(cast.grace, number, "/merge")
    cast.pushes("<p>Slipped in</p>\n")
    shop.settle()
    assert "by now. Look at it and say `/merge` again." in shop.answer_to(number, comment)


# --- edits and deletions --------------------------------------------------------------


def test_a_deleted_approve_is_void_and_a_deleted_hold_still_holds(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    approve = shop.say(cast.grace, number, "/approve")
    shop.settle()
    assert approvals(shop, number)
    shop.delete(cast.grace, number, approve)
    shop.settle()
    assert not approvals(shop, number)

    hold = shop.say(cast.grace, number, "/hold")
    shop.settle()
    shop.delete(cast.grace, number, hold)
    shop.settle()
    assert shop.standing(number) == "on hold"
    shop.says(cast.sam, number, "/unhold")
    assert shop.standing(number) == "needs review"


def test_a_deleted_merge_is_void(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    merge = shop.say(cast.grace, number, "/merge")
    shop.settle()
    shop.delete(cast.grace, number, merge)
    shop.settle()
    shop.says(cast.sam, number, "/approve")
    assert shop.standing(number) == "ready"


def test_a_comment_that_was_edited_before_it_was_seen_is_refused(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    comment = shop.say(cast.grace, number, "Fine.")
    shop.edit(cast.grace, number, comment, "/approve")
    shop.settle()
    assert "an edit can't give a command" in shop.answer_to(number, comment)
    assert not approvals(shop, number)


def test_an_edit_that_adds_a_command_is_refused_once(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    comment = shop.say(cast.grace, number, "/status")
    shop.settle()
    shop.edit(cast.grace, number, comment, "/status\n/approve")
    for _ in range(3):
        shop.look_again(number)
    assert "an edit can't give a command" in shop.bot_says(number)[f"answer:{comment}:1"]
    assert len(shop.marks(number)) == 3
    assert not approvals(shop, number)


def test_an_edit_that_removes_approve_withdraws_it_and_bringing_it_back_does_not_help(
    cast: Cast,
) -> None:
    shop, number = cast.shop, cast.opens()
    comment = shop.say(cast.grace, number, "/approve")
    shop.settle()
    shop.edit(cast.grace, number, comment, "On second thought: no.")
    shop.settle()
    assert not approvals(shop, number)
    shop.edit(cast.grace, number, comment, "/approve")
    shop.settle()
    assert not approvals(shop, number)
    assert "an edit can't give a command" in shop.bot_says(number)[f"answer:{comment}:1"]


# --- the forge's own permission and reviews -------------------------------------------


def test_permission_that_is_taken_away_before_the_word_is_read_denies_it(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    shop.settle()
    comment = shop.say(cast.sam, number, "/merge")
    shop.grants("sam", "read")
    shop.settle()
    shop.grants("sam", "write")
    assert "needs write access" in shop.answer_to(number, comment)
    assert "the forge gives you read" in shop.answer_to(number, comment)


def test_a_native_review_approves_its_head_and_its_withdrawal_takes_that_away(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    shop.review(cast.grace, number, "approved")
    shop.settle()
    assert approvals(shop, number)
    assert cast.grace.forge("DELETE", f"{shop.place(number)}/reviews").ok
    shop.settle()
    assert not approvals(shop, number)

    shop.review(cast.alan, number, "approved")
    shop.settle()
    assert not approvals(shop, number)


def test_a_native_approval_goes_with_the_next_push(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    shop.review(cast.grace, number, "approved")
    shop.settle()
    cast.pushes("<p>Other</p>\n")
    shop.settle()
    assert not approvals(shop, number)
    shop.review(cast.grace, number, "approved")
    shop.settle()
    assert approvals(shop, number)


def test_requested_changes_block_until_the_next_push(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    shop.says(cast.sam, number, "/approve")
    shop.review(cast.grace, number, "changes_requested")
    shop.settle()
    assert shop.standing(number) == "needs changes"
    assert "changes requested by Grace" in shop.why(number)
    cast.pushes("<p>As requested</p>\n")
    shop.settle()
    assert shop.standing(number) == "needs review"


def somebody_new(shop: Workshop) -> Somebody:
    return shop.person("otto", Group.OUTSIDER)


def test_an_outsider_s_checks_wait_for_ok_to_test_and_a_push_asks_again(
    checked_shop: Workshop,
) -> None:
    shop, maintainer = checked_shop, grace(checked_shop)
    outsider = somebody_new(shop)
    number = shop.opens(outsider, {"index.html": "<p>Hello</p>\n"})
    shop.settle()
    assert shop.standing(number) == "needs ok-to-test"
    shop.says(outsider, number, "/recheck")
    assert shop.runs() == []
    assert "You can't `/ok-to-test` here" in shop.says(outsider, number, "/ok-to-test")

    shop.says(maintainer, number, "/ok-to-test")
    assert shop.standing(number) == "needs review"
    assert [state for state, _ in shop.runs()] == ["done"]

    shop.pushes(outsider, {"index.html": "<p>Hello again</p>\n"})
    shop.settle()
    assert shop.standing(number) == "needs ok-to-test"
    shop.says(outsider, number, "/recheck")
    assert len(shop.runs()) == 1


def test_whoever_may_not_read_at_the_forge_is_told_what_gives_it(cast: Cast) -> None:
    shop, number = cast.shop, cast.opens()
    olga = shop.person("olga", Group.STAFF, roles=(Role.OWNER,), access="none")
    [account] = [
        one["id"] for one in built_in_forge(shop.settings).people() if one["login"] == olga.login
    ]
    with pytest.raises(ContributorError, match="intakebot repo grant LOGIN read"):
        shop.house.forges["git"].say(shop.repo_id, number, account, "/approve", "")
