"""Folding commands: what was asked can be taken away by a deletion, never added to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from intakebot.core.asks import Asks, fold, head_seen, withdrawn
from intakebot.model import Account, Command, Said

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


def folded(commands: list[Command], same: frozenset[str] = frozenset()) -> Asks:
    return fold(commands, HEADS[0], "", lambda head: head in same)


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
    standing = [*asks.approvals.values(), *asks.holds, *asks.void]
    standing += [one for one in (asks.merge, asks.deploy) if one is not None]
    assert all(one.said is Said.DONE for one in standing)


@given(conversations())
def test_an_approval_or_a_merge_is_for_the_head_of_now_or_it_is_void(
    commands: list[Command],
) -> None:
    asks = folded(commands)
    assert all(one.head == HEADS[0] for one in asks.approvals.values())
    assert asks.merge is None or asks.merge.head == HEADS[0]
    assert all(one.head != HEADS[0] for one in asks.void)


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
