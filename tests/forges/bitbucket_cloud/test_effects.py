"""Each effect at a fake Bitbucket Cloud: done, done twice, refused, and lost on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from intakebot.core import marks
from intakebot.forges.api import Refused
from intakebot.forges.bitbucket_cloud.heads import UNKNOWN
from intakebot.model import (
    Decline,
    Finding,
    InlineNote,
    Level,
    OperatorError,
    PostComment,
    PostInline,
    PullState,
    PutReport,
    Report,
    ResolveInline,
    SetReview,
    SetStatus,
    Status,
    TryLater,
)
from tests.forges.bitbucket_cloud.cast import MAIN, Cast

NOTE = InlineNote("finding:1", "banner.html", 1, "A fault.")
CHECKING = Status("pending", "checking: nobody has to do anything", "http://127.0.0.1/x")


def test_a_comment_is_posted_with_a_visible_footer_and_found_again_by_it(cast: Cast) -> None:
    number, _ = cast.opens()
    made = cast.forge.perform(cast.pull(number), PostComment("status", "It stands.\n"))
    [comment] = cast.pull(number).comments
    assert (comment.id, comment.text, comment.tag) == (made, "It stands.", marks.tag("status"))
    raw = cast.cloud.pull(MAIN, number).remarks[int(comment.id)].raw
    assert raw.endswith(f"_intakebot · {marks.tag('status')}_") and "<" not in raw


def test_resolving_what_is_gone_is_done(cast: Cast) -> None:
    number, _ = cast.opens()
    cast.forge.perform(cast.pull(number), ResolveInline("finding:1", "123"))


@pytest.mark.parametrize("status", [400, 404])
def test_a_line_that_is_not_in_the_diff_is_refused_so_that_the_summary_can_say_it(
    cast: Cast, status: int
) -> None:
    number, _ = cast.opens()
    pull = cast.pull(number)
    cast.cloud.mischief.answer(status, "POST .*/comments")
    with pytest.raises(Refused):
        cast.forge.perform(pull, PostInline(replace(NOTE, line=99)))


def test_a_status_is_tied_to_the_branch_it_is_about(cast: Cast) -> None:
    number, head = cast.opens()
    cast.forge.perform(cast.pull(number), SetStatus(head, CHECKING))
    [kept] = cast.cloud.at(MAIN).statuses.values()
    assert (kept.commit, kept.refname) == (head, "banner")


def test_a_status_goes_to_the_fork_where_the_main_repository_does_not_know_the_commit(
    cast: Cast,
) -> None:
    cast.cloud.choices.fork_statuses = 404
    cast.cloud.grant("intakebot", "ada/site", "write")
    number, head = cast.opens()
    cast.forge.perform(cast.pull(number), SetStatus(head, CHECKING))
    assert [one.commit for one in cast.cloud.at("ada/site").statuses.values()] == [head]
    assert cast.pull(number).status == CHECKING


def test_a_status_that_nobody_takes_is_refused_once_and_not_asked_for_again(cast: Cast) -> None:
    cast.cloud.choices.fork_statuses = 403
    number, head = cast.opens()
    pull = cast.pull(number)
    for _ in range(2):
        with pytest.raises(Refused, match="takes no status beside"):
            cast.forge.perform(pull, SetStatus(head, CHECKING))
    assert sum(call.method == "POST" for call in cast.api_calls()) == 2  # main, fork
    cast.cloud.forget_calls()
    assert cast.pull(number).status is None
    assert len(cast.api_calls()) == 3
    cast.cloud.choices.fork_statuses = 201
    again = cast.pushes({"index.html": "<p>Two</p>\n"})
    cast.forge.perform(cast.pull(number), SetStatus(again, CHECKING))
    assert cast.pull(number).status == CHECKING


def test_two_pull_requests_of_one_head_have_a_status_each(cast: Cast) -> None:
    number, head = cast.opens()
    cast.branch("next")
    source = {"repository": {"full_name": "ada/site"}, "branch": {"name": "banner"}}
    other = cast._opened(cast.ada, source, {"destination": {"branch": {"name": "next"}}})
    cast.forge.perform(cast.pull(number), SetStatus(head, CHECKING))
    cast.forge.perform(cast.pull(other), SetStatus(head, replace(CHECKING, state="failure")))
    states = [one.status and one.status.state for one in map(cast.pull, (number, other))]
    assert states == ["pending", "failure"]


def test_an_unknown_head_gets_no_status_and_no_report(cast: Cast) -> None:
    number, _ = cast.opens()
    pull = cast.pull(number)
    for effect in (SetStatus(UNKNOWN, CHECKING), PutReport(UNKNOWN, REPORT)):
        with pytest.raises(Refused, match="full id is not known"):
            cast.forge.perform(pull, effect)


def test_the_bots_opinion_changes_and_goes_as_wanted_however_often(cast: Cast) -> None:
    number, head = cast.opens()
    for state in ("changes_requested", "approved", "changes_requested", None):
        pull = cast.pull(number)
        for _ in range(2):
            cast.forge.perform(pull, SetReview(head, state))
        assert cast.pull(number).review == state


def test_an_opinion_on_a_closed_pull_request_is_refused(cast: Cast) -> None:
    number, head = cast.opens()
    pull = cast.pull(number)
    cast.declines(cast.bob, number)
    with pytest.raises(Refused, match="takes no review"):
        cast.forge.perform(pull, SetReview(head, "approved"))


def test_a_decline_that_takes_too_long_is_tried_later(cast: Cast) -> None:
    number, _ = cast.opens()
    cast.cloud.mischief.answer(555, "/decline")
    with pytest.raises(TryLater):
        cast.forge.perform(cast.pull(number), Decline("because"))
    assert cast.pull(number).state is PullState.OPEN


def test_a_decline_that_is_refused_while_it_is_open_is_no_success(cast: Cast) -> None:
    number, _ = cast.opens()
    cast.cloud.mischief.answer(400, "/decline")
    with pytest.raises(TryLater, match="not declined"):
        cast.forge.perform(cast.pull(number), Decline("because"))


# --- reports --------------------------------------------------------------------------

FINDING = Finding("banner.html", 1, Level.ERROR, "html-title", "No title\u202e.")
REPORT = Report("failed", "1 finding", "See the lines.", "http://127.0.0.1/x", (FINDING,))


def shown(cast: Cast) -> tuple[dict[str, object], list[dict[str, object]]]:
    [report] = cast.cloud.at(MAIN).reports.values()
    return report.fields, list(report.annotations.values())


def test_a_report_is_shown_with_its_findings_however_often(cast: Cast) -> None:
    number, head = cast.opens()
    pull = cast.pull(number)
    for _ in range(2):
        cast.forge.perform(pull, PutReport(head, REPORT))
        fields, [found] = shown(cast)
        assert (fields["result"], fields["title"], fields["details"], fields["link"]) == (
            "FAILED",
            "1 finding",
            "See the lines.",
            "http://127.0.0.1/x",
        )
        assert (found["path"], found["line"], found["severity"], found["annotation_type"]) == (
            "banner.html",
            1,
            "HIGH",
            "BUG",
        )
        assert found["summary"] == "html-title: No title\\u202e."


def test_a_finding_that_is_gone_leaves_the_report(cast: Cast) -> None:
    number, head = cast.opens()
    pull = cast.pull(number)
    cast.forge.perform(pull, PutReport(head, REPORT))
    cast.forge.perform(pull, PutReport(head, replace(REPORT, result="passed", findings=())))
    fields, found = shown(cast)
    assert (fields["result"], found) == ("PASSED", [])


def test_a_report_stays_within_the_products_limits_and_keeps_what_matters_most(
    cast: Cast,
) -> None:
    number, head = cast.opens()
    many = tuple(
        Finding("banner.html", 0, Level.NOTE, "style", f"{index} {'x' * 3000}")
        for index in range(1_100)
    )
    last = Finding("", 0, Level.REJECT, "secret", "A key")
    report = Report("failed", "t" * 500, "d" * 3000, "", (*many, last))
    cast.forge.perform(cast.pull(number), PutReport(head, report))
    fields, found = shown(cast)
    assert len(found) == 1_000 and len({one["external_id"] for one in found}) == 1_000
    assert found[0]["severity"] == "CRITICAL" and "path" not in found[0]
    assert len(str(fields["title"])) == 450 and len(str(fields["details"])) == 2_000
    assert {len(str(one["summary"])) for one in found[1:]} == {450}
    assert {len(str(one["details"])) for one in found[1:]} == {2_000}
    posts = [call for call in cast.api_calls() if call.path.endswith("/annotations")]
    assert len(posts) == 10


def test_a_report_that_nobody_takes_is_refused(cast: Cast) -> None:
    number, head = cast.opens()
    pull = cast.pull(number)
    cast.cloud.mischief.answer(404, "PUT .*/reports/", times=2)
    with pytest.raises(Refused, match="takes no report beside"):
        cast.forge.perform(pull, PutReport(head, REPORT))


# --- misbehaviour ---------------------------------------------------------------------


def test_a_read_of_which_one_part_fails_is_tried_later(cast: Cast) -> None:
    number, _ = cast.opens()
    mischief = cast.cloud.mischief
    for part in ("activity", "comments", "statuses"):
        matching = f"GET .*{part}"
        mischief.cut(matching, times=3)
        for status in (429, 503, 555):
            mischief.answer(status, matching)
        for text in ("<html>", '{"values": [', "{}"):
            mischief.says(text, matching)
        for _ in range(6 if part == "statuses" else 7):  # a status is no list, so {} is one
            with pytest.raises(TryLater):
                cast.pull(number)
        mischief.clear()
    cast.pull(number)


def test_a_revoked_token_is_for_the_operator_and_a_new_one_works_at_once(cast: Cast) -> None:
    number, _ = cast.opens()
    cast.cloud.revoke(cast.bot.token)
    with pytest.raises(OperatorError, match="the bot's token from the test"):
        cast.pull(number)
    fresh = replace(cast.tokens["read"], secret=cast.cloud.token("intakebot"))
    cast.tokens["read"] = fresh
    assert cast.pull(number).number == number


def test_an_app_password_is_told_from_a_token(cast: Cast) -> None:
    number, _ = cast.opens()
    dead = replace(cast.tokens["read"], secret=cast.cloud.app_password("intakebot"))
    cast.tokens["read"] = dead
    with pytest.raises(OperatorError, match="app password"):
        cast.pull(number)
