"""In which order things happened, from a list that numbers nothing and names heads by 12 digits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from intakebot.forges.bitbucket_cloud import activity as order
from intakebot.forges.bitbucket_cloud.shapes import micros
from intakebot.model import Account, Review

ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
ADA, BOB = "{ada}", "{bob}"


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def user(uuid: str) -> dict[str, Any]:
    return {"uuid": uuid, "nickname": uuid.strip("{}"), "display_name": uuid}


def update(
    minute: float, head: str, *, title: str = "A banner", target: str = "main", by: str = ADA
) -> dict[str, Any]:
    return {
        "update": {
            "date": at(minute).isoformat(),
            "author": user(by),
            "state": "OPEN",
            "title": title,
            "source": {"commit": {"hash": head[:12]}},
            "destination": {"branch": {"name": target}},
            "changes": {},
        }
    }


def approval(minute: float, by: str = BOB) -> dict[str, Any]:
    return {"approval": {"date": at(minute).isoformat(), "user": user(by)}}


def changes_requested(minute: float, by: str = BOB) -> dict[str, Any]:
    return {"changes_requested": {"date": at(minute).isoformat(), "user": user(by)}}


def read(*oldest_first: dict[str, Any]) -> order.Activity:
    return order.read_activity(list(reversed(oldest_first)))


def now(head: str, target: str = "main") -> order.Now:
    return order.Now(head, target, Account(ADA, "ada"), at(50), micros(at(60)))


def seq(minute: float) -> int:
    return micros(at(minute))


def reviewed(
    activity: order.Activity, head: str, seen: dict[int, str], state: Any = "approved"
) -> Review:
    standing = [order.Standing(Account(BOB, "bob"), state, at(40))]
    [review] = order.reviews(activity, standing, seen, now(head))
    return review


def test_an_approval_is_for_the_head_that_came_before_it() -> None:
    activity = read(update(0, ONE), approval(5))
    review = reviewed(activity, ONE, {seq(0): ONE})
    assert (review.head, review.seq, review.at) == (ONE, seq(5), at(5))


def test_an_approval_does_not_move_to_a_later_push() -> None:
    activity = read(update(0, ONE), approval(5), update(9, TWO))
    assert reviewed(activity, TWO, {seq(0): ONE, seq(9): TWO}).head == ONE


def test_the_newest_approval_of_a_person_is_the_one_that_stands() -> None:
    activity = read(update(0, ONE), approval(5), update(9, TWO), approval(12))
    assert reviewed(activity, TWO, {seq(0): ONE, seq(9): TWO}).head == TWO


def test_an_approval_at_the_same_instant_as_a_push_counts_for_neither() -> None:
    for same in ([update(9, TWO), approval(9)], [approval(9), update(9, TWO)]):
        activity = read(update(0, ONE), *same)
        assert reviewed(activity, TWO, {seq(0): ONE, seq(9): TWO}).head == ""


def test_an_approval_whose_place_in_the_list_contradicts_its_time_counts_for_none() -> None:
    activity = read(update(0, ONE), approval(12), update(9, TWO))
    assert reviewed(activity, TWO, {seq(0): ONE, seq(9): TWO}).head == ""


def test_an_approval_without_an_entry_counts_for_none() -> None:
    review = reviewed(read(update(0, ONE)), ONE, {seq(0): ONE})
    assert (review.head, review.at) == ("", at(40))


def test_an_approval_before_the_first_entry_counts_for_none() -> None:
    activity = read(approval(1), update(5, ONE))
    assert reviewed(activity, ONE, {seq(5): ONE}).head == ""


def test_an_approval_counts_for_none_while_the_entry_of_the_head_is_missing() -> None:
    activity = read(update(0, ONE), approval(5))
    assert reviewed(activity, TWO, {seq(0): ONE}).head == ""


def test_requests_for_changes_have_an_order_too() -> None:
    activity = read(update(0, ONE), changes_requested(5), update(9, TWO))
    assert reviewed(activity, TWO, {seq(0): ONE, seq(9): TWO}, "changes_requested").head == ONE


def test_an_old_approval_does_not_stand_in_for_a_request_for_changes() -> None:
    activity = read(update(0, ONE), approval(5))
    assert reviewed(activity, ONE, {seq(0): ONE}, "changes_requested").head == ""


def test_pushes_are_the_changes_of_the_head_and_not_the_edits() -> None:
    activity = read(
        update(0, ONE),
        update(3, ONE, title="A better banner"),
        update(6, TWO, title="A better banner", by=BOB),
        update(7, TWO, title="A better banner", target="next"),
    )
    pushes = order.pushes(activity, {seq(0): ONE, seq(6): TWO}, now(TWO, "next"))
    assert [(push.head, push.by.id, push.seq) for push in pushes] == [
        (ONE, ADA, seq(0)),
        (TWO, BOB, seq(6)),
    ]
    targets = order.targets(activity, now(TWO, "next"))
    assert [(move.target, move.seq) for move in targets] == [("main", seq(0)), ("next", seq(7))]


def test_a_push_back_to_an_older_head_is_a_push() -> None:
    activity = read(update(0, ONE), update(3, TWO), update(6, ONE))
    seen = {seq(0): ONE, seq(3): TWO, seq(6): ONE}
    assert [push.head for push in order.pushes(activity, seen, now(ONE))] == [ONE, TWO, ONE]


def test_a_head_that_nobody_saw_is_not_guessed_from_its_digits() -> None:
    activity = read(update(0, ONE), update(3, TWO), update(6, ONE))
    pushes = order.pushes(activity, {seq(6): ONE}, now(ONE))
    assert [push.head for push in pushes] == ["", "", ONE]


def test_a_push_of_a_commit_with_the_same_digits_is_a_push() -> None:
    twin = ONE[:12] + "f" * 28
    activity = read(update(0, ONE), approval(3), update(6, twin))
    seen = {seq(0): ONE, seq(6): twin}
    assert [push.head for push in order.pushes(activity, seen, now(twin))] == [ONE, twin]
    assert reviewed(activity, twin, seen).head == ONE
    assert reviewed(activity, twin, {seq(6): twin}).head == ""


def test_a_head_without_an_entry_came_after_everything() -> None:
    activity = read(update(0, ONE), approval(5))
    pushes = order.pushes(activity, {seq(0): ONE}, now(TWO))
    assert [(push.head, push.seq) for push in pushes] == [(ONE, seq(0)), (TWO, seq(60))]
    assert not order.agrees(activity, TWO[:12], "main")


def test_a_target_without_an_entry_came_after_everything() -> None:
    activity = read(update(0, ONE))
    assert [move.seq for move in order.targets(activity, now(ONE, "next"))] == [seq(0), seq(60)]
    assert not order.agrees(activity, ONE[:12], "next")
    assert order.agrees(activity, ONE[:12], "main")


def test_nothing_at_all_is_read_as_a_head_that_came_last() -> None:
    activity = read()
    assert [push.head for push in order.pushes(activity, {}, now(ONE))] == [ONE]
    assert not order.agrees(activity, ONE[:12], "main")


def test_an_entry_that_comes_twice_is_one_entry() -> None:
    activity = read(update(0, ONE), update(3, TWO), update(3, TWO))
    assert len(order.pushes(activity, {seq(0): ONE, seq(3): TWO}, now(TWO))) == 2


def test_entries_without_a_time_or_a_head_are_left_out() -> None:
    bad = {"update": {"date": "yesterday", "source": {"commit": {"hash": "1" * 12}}}}
    bare = {"update": {"date": at(1).isoformat(), "source": {"commit": None}}}
    assert read(bad, bare, {"comment": {"id": 1}}, {"approval": {"user": None}}).updates == ()
