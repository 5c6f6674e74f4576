"""Comments as Bitbucket Cloud lists them."""

from __future__ import annotations

from typing import Any

from intakebot.core import marks
from intakebot.forges.bitbucket_cloud.comments import read_comments
from intakebot.forges.bitbucket_cloud.shapes import micros, moment

BOT = "{bot}"


def remark(number: int, by: str = "{ada}", raw: str = "Hello", **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "user": {"uuid": by, "nickname": by.strip("{}")},
        "content": {"raw": raw},
        "created_on": f"2026-03-01T09:{number:02}:00.000001+00:00",
        "updated_on": f"2026-03-01T09:{number:02}:00.020001+00:00",
        "deleted": False,
        **more,
    }


def test_the_bots_footer_becomes_the_tag_and_nobody_elses_does() -> None:
    signed = marks.signed("It stands.", "status")
    mine, theirs = read_comments([remark(1, BOT, signed), remark(2, "{ada}", signed)], BOT)
    assert (mine.text, mine.tag, mine.key) == ("It stands.", marks.tag("status"), None)
    assert (theirs.text, theirs.tag) == (signed, None)


def test_deleted_comments_and_drafts_of_a_review_are_left_out() -> None:
    found = read_comments([remark(1, deleted=True), remark(2, pending=True), remark(3)], BOT)
    assert [comment.id for comment in found] == ["3"]


def test_a_comment_counts_as_edited_only_when_it_was() -> None:
    edited = remark(2, updated_on="2026-03-01T09:02:04.000001+00:00")
    assert [one.edited for one in read_comments([remark(1), edited], BOT)] == [False, True]


def test_comments_have_the_time_of_their_making_as_their_place_in_the_order() -> None:
    second, first = remark(2), remark(1)
    found = read_comments([second, first], BOT)
    assert [one.id for one in found] == ["1", "2"]
    written = moment(first, "created_on")
    assert written is not None and found[0].seq == micros(written) == 1772355660000001


def test_places_resolutions_and_answers_are_read() -> None:
    inline = {"path": "a.py", "to": 12, "from": None}
    removed = {"path": "b.py", "to": None, "from": 8}
    found = read_comments(
        [
            remark(1, BOT, inline=inline, resolution={"type": "comment_resolution"}),
            remark(2, BOT, inline=removed),
            remark(3, "{ada}", parent={"id": 2}),
            remark(4, BOT, parent={"id": 3}),
            remark(5, BOT, parent={"id": 1}),
        ],
        BOT,
    )
    assert [(one.path, one.line) for one in found[:2]] == [("a.py", 12), ("b.py", 8)]
    assert [one.resolved for one in found[:2]] == [True, False]
    assert [one.replied for one in found] == [False, True, True, False, False]


def test_an_answer_that_was_deleted_is_no_answer() -> None:
    found = read_comments([remark(1, BOT), remark(2, parent={"id": 1}, deleted=True)], BOT)
    assert [one.replied for one in found] == [False]


def test_a_comment_of_an_account_that_is_gone_is_nobodys() -> None:
    [found] = read_comments([{**remark(1), "user": None}], BOT)
    assert (found.by.id, found.by.display) == ("", "somebody who is gone")
