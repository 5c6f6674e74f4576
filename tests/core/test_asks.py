"""Folding commands: what was asked can be taken away by a deletion, never added to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from intakebot.core.asks import Asks, Course, fold, head_seen, target_seen, withdrawn
from intakebot.model import Account, Command, Push, Retarget, Said

START = datetime(2026, 3, 1, tzinfo=UTC)
HEADS = ("a" * 40, "b" * 40, "c" * 40)
NAMES = ("approve", "unapprove", "hold", "unhold", "merge", "ok-to-test", "deploy", "status")


def said(
    seq: int,
    name: str,
    by: str = "1",
    head: str = HEADS[0],
    outcome: Said = Said.DONE,
    live: bool = True,
) -> Command:
    return Command(
        comment=f"c{seq}",
        index=0,
        name=name,
        args="",
        by=Account(by, f"login-{by}"),
        head=head,
        at=START + timedelta(seconds=seq),
        seq=seq,
        said=outcome,
        answer="",
        live=live,
    )


@st.composite
def conversations(draw: st.DrawFn) -> list[Command]:
    return [
        said(
            seq,
            draw(st.sampled_from(NAMES)),
            draw(st.sampled_from("12")),
            draw(st.sampled_from(HEADS)),
            draw(st.sampled_from((Said.DONE, Said.DONE, Said.DENIED, Said.VOID))),
            draw(st.booleans()),
        )
        for seq in range(draw(st.integers(0, 8)))
    ]


def pushed(*seqs_and_heads: tuple[int, str]) -> tuple[Push, ...]:
    return tuple(Push(head, Account("9", "ada"), START, seq) for seq, head in seqs_and_heads)


# Every head was there before anything was said; the first one again, at last.
OLDEST_FIRST = pushed((-3, HEADS[2]), (-2, HEADS[1]), (-1, HEADS[0]))


def folded(
    commands: list[Command],
    same: frozenset[str] = frozenset(),
    pushes: tuple[Push, ...] = OLDEST_FIRST,
    targets: tuple[Retarget, ...] = (),
) -> Asks:
    course = Course(pushes, targets, lambda head: head == pushes[-1].head or head in same)
    return fold(commands, pushes[-1].head, course)


@given(conversations(), st.data(), st.frozensets(st.sampled_from(HEADS)))
def test_a_deletion_never_adds_an_approval_or_a_merge_and_never_lifts_a_hold(
    commands: list[Command], data: st.DataObject, same: frozenset[str]
) -> None:
    if not commands:
        return
    gone = data.draw(st.sampled_from(commands))
    before = folded(commands, same)
    after = folded([replace(one, live=one.live and one is not gone) for one in commands], same)
    assert set(after.approvals) <= set(before.approvals)
    assert {hold.by.id for hold in before.holds} <= {hold.by.id for hold in after.holds}
    assert after.merge is None or before.merge is not None
    assert after.cleared <= before.cleared
    assert after.deploy is None or before.deploy is not None


@given(conversations())
def test_only_words_that_were_granted_count(commands: list[Command]) -> None:
    asks = folded(commands)
    standing = [*asks.approvals.values(), *asks.holds, *(void.command for void in asks.void)]
    standing += [one for one in (asks.merge, asks.deploy) if one is not None]
    assert all(one.said is Said.DONE for one in standing)


@given(conversations())
def test_an_approval_or_a_merge_is_for_the_head_of_now_or_it_is_void(
    commands: list[Command],
) -> None:
    asks = folded(commands)
    assert all(one.head == HEADS[0] for one in asks.approvals.values())
    assert asks.merge is None or asks.merge.head == HEADS[0]
    assert all(void.command.head != HEADS[0] for void in asks.void)


def test_deleting_a_newer_approval_does_not_bring_an_older_one_to_life() -> None:
    older, newer = said(1, "approve"), said(2, "approve", head=HEADS[1])
    assert set(folded([older, newer]).approvals) == {"1"}
    assert set(folded([older, replace(newer, live=False)]).approvals) == {"1"}


def test_an_approval_that_was_taken_back_stays_so_until_it_is_given_again() -> None:
    words = [said(1, "approve"), said(2, "unapprove")]
    assert not folded(words).approvals
    assert folded([*words, said(3, "approve")]).approvals


def test_unhold_lifts_the_holds_of_everybody() -> None:
    words = [said(1, "hold", "1"), said(2, "hold", "2"), said(3, "unhold", "2")]
    assert folded(words).holds == ()
    assert len(folded(words[:2]).holds) == 2


def test_words_are_gone_with_their_comment_or_when_edited_away() -> None:
    words = [said(1, "approve"), said(2, "merge")]
    gone = withdrawn(words, {"c1": [("approve", "")], "c2": [("hold", "")]})
    assert [(one.comment, one.live) for one in gone] == [("c2", False)]
    assert len(withdrawn(words, {})) == 2


def test_the_head_somebody_saw_is_what_the_page_told_or_the_newest_before() -> None:
    pushes = [(1, HEADS[0]), (5, HEADS[1])]
    assert head_seen(pushes, 4, None) == HEADS[0]
    assert head_seen(pushes, 6, None) == HEADS[1]
    assert head_seen(pushes, 6, HEADS[0]) == HEADS[0]
    assert head_seen(pushes, 4, HEADS[1]) == ""  # nobody can have seen it then
    assert head_seen([], 4, None) == ""


def test_what_a_push_made_void_stays_void_when_the_old_head_comes_back() -> None:
    there_and_back = pushed((0, HEADS[0]), (3, HEADS[1]), (5, HEADS[0]))
    words = [said(1, "approve"), said(2, "merge")]
    asks = folded(words, pushes=there_and_back)
    assert not asks.approvals and asks.merge is None
    assert {(void.command.name, void.by) for void in asks.void} == {
        ("approve", there_and_back[1]),
        ("merge", there_and_back[1]),
    }
    again = folded([*words, said(6, "approve"), said(7, "merge")], pushes=there_and_back)
    assert set(again.approvals) == {"1"} and again.merge is not None and again.void == ()


def test_a_push_of_the_same_result_voids_the_merge_and_leaves_the_approval() -> None:
    pushes = pushed((0, HEADS[0]), (3, HEADS[1]))
    asks = folded([said(1, "approve"), said(2, "merge")], frozenset({HEADS[0]}), pushes)
    assert set(asks.approvals) == {"1"} and asks.merge is None
    assert [void.command.name for void in asks.void] == ["merge"]


def test_an_approval_for_an_older_head_than_the_one_there_was_never_counts() -> None:
    pushes = pushed((0, HEADS[1]), (1, HEADS[0]))
    assert not folded([said(2, "approve", head=HEADS[1])], pushes=pushes).approvals


def test_what_a_change_of_target_made_void_stays_void_when_it_is_changed_back() -> None:
    moves = (Retarget("main", -1), Retarget("loose", 3), Retarget("main", 4))
    words = [replace(said(1, "approve"), target="main"), replace(said(2, "merge"), target="main")]
    asks = folded(words, targets=moves)
    assert not asks.approvals and asks.merge is None
    assert {void.by for void in asks.void} == {moves[1]}


def test_the_target_somebody_meant_is_the_one_of_that_moment() -> None:
    moves = (Retarget("loose", 1), Retarget("main", 5))
    assert target_seen(moves, 4) == "loose"
    assert target_seen(moves, 6) == "main"
    assert target_seen(moves, 1) == ""
