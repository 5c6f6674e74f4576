"""Wanted minus seen converges: doing what was planned leaves nothing to plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from intakebot.core.neutral import neutral_facts
from intakebot.core.plan import MOST_INLINE_EVER, STATUS, closing_time, plan, seen_look
from intakebot.model import (
    BotComment,
    Decline,
    EditComment,
    Effect,
    InlineNote,
    Level,
    Look,
    PostComment,
    PostInline,
    PullState,
    PutReport,
    Report,
    ResolveInline,
    ReviewState,
    SetReview,
    SetStatus,
    Status,
    Verdict,
    VerdictState,
)

HEAD = "a" * 40
OPENED = datetime(2026, 3, 1, tzinfo=UTC)
texts = st.sampled_from(("one", "two"))
statuses = st.none() | st.builds(Status, st.sampled_from(("pending", "success")), texts)
comments = st.dictionaries(st.sampled_from((STATUS, "answer:1", "void:a")), texts)
lines = st.dictionaries(st.sampled_from(("finding:1", "finding:2", "finding:3")), texts)


class Page:
    """A forge in small: the bot's marks on one pull request, changed by effects."""

    def __init__(self, status: Status | None, state: PullState) -> None:
        self.marks: dict[str, BotComment] = {}
        self.status = status
        self.state = state
        self.review: ReviewState | None = None
        self.report: Report | None = None

    def look(self) -> Look:
        return seen_look(self.marks, self.status, self.state, self.review, self.report)

    def put(self, key: str, text: str, path: str | None = None, *, replied: bool = False) -> None:
        mark = BotComment(str(len(self.marks)), text, path, path and 1, False, replied)  # type: ignore[arg-type]
        self.marks[key] = mark

    def perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case PostComment(key, text):
                    assert key not in self.marks
                    self.put(key, text)
                case EditComment(key, _, text):
                    self.marks[key] = replace(self.marks[key], text=text)
                case PostInline(note):
                    assert note.key not in self.marks
                    self.put(note.key, note.text, note.path)
                case ResolveInline(key, _):
                    self.marks[key] = replace(self.marks[key], resolved=True)
                case SetStatus(_, status):
                    self.status = status
                case SetReview(_, review):
                    self.review = review
                case PutReport(_, report):
                    self.report = report
                case Decline():
                    self.state = PullState.CLOSED


@st.composite
def pages(draw: st.DrawFn) -> Page:
    page = Page(draw(statuses), draw(st.sampled_from(PullState)))
    for key, text in draw(comments).items():
        page.put(key, text)
    for key, text in draw(lines).items():
        page.put(key, text, "index.html", replied=draw(st.booleans()))
    return page


@st.composite
def wishes(draw: st.DrawFn) -> Look:
    inline = {key: InlineNote(key, "index.html", 1, text) for key, text in draw(lines).items()}
    review: ReviewState | None = draw(st.sampled_from((None, "approved", "changes_requested")))
    report = draw(st.none() | st.builds(Report, st.just("passed"), texts, texts, st.just("")))
    return Look(draw(comments), inline, draw(statuses), draw(st.booleans()), review, report)


@given(pages(), wishes())
def test_doing_what_was_planned_leaves_nothing_to_plan(page: Page, wanted: Look) -> None:
    page.perform(plan(wanted, page.look(), page.marks, HEAD))
    assert plan(wanted, page.look(), page.marks, HEAD) == []


@given(pages(), wishes(), st.integers(0, 8))
def test_what_was_done_before_a_crash_is_not_done_again(
    page: Page, wanted: Look, done: int
) -> None:
    effects = plan(wanted, page.look(), page.marks, HEAD)
    page.perform(effects[:done])
    assert plan(wanted, page.look(), page.marks, HEAD) == effects[done:]


def test_only_the_status_comment_is_edited() -> None:
    page = Page(None, PullState.OPEN)
    for key in (STATUS, "answer:1"):
        page.put(key, "old")
    wanted = Look({STATUS: "new", "answer:1": "new"}, {}, None, False)
    assert plan(wanted, page.look(), page.marks, HEAD) == [EditComment(STATUS, "0", "new")]


def test_a_finding_that_is_gone_is_resolved_and_kept_when_somebody_replied() -> None:
    page = Page(None, PullState.OPEN)
    page.put("finding:1", "one", "index.html")
    page.put("finding:2", "two", "index.html", replied=True)
    effects = plan(Look({}, {}, None, False), page.look(), page.marks, HEAD)
    assert effects == [ResolveInline("finding:1", "0")]


def test_over_many_pushes_no_more_than_so_many_lines_are_commented() -> None:
    page = Page(None, PullState.OPEN)
    for push in range(9):
        keys = [f"finding:{push}-{line}" for line in range(30)]
        notes = {key: InlineNote(key, "index.html", 1, "fault") for key in keys}
        page.perform(plan(Look({}, notes, None, False), page.look(), page.marks, HEAD))
    assert len(page.marks) == MOST_INLINE_EVER


def rejection(grace: int) -> Verdict:
    state = VerdictState.UNSATISFIED
    return Verdict("fork-only", "", Level.REJECT, state, "Forks only", grace=grace)


def test_a_first_change_is_closed_after_the_longest_grace_and_a_later_one_at_once() -> None:
    verdicts = (rejection(60), rejection(3600))
    first, later = neutral_facts(first_time=True), neutral_facts(first_time=False)
    assert closing_time(first, verdicts, OPENED) == OPENED + timedelta(hours=1)
    assert closing_time(later, verdicts, OPENED) == OPENED
    assert closing_time(first, (), OPENED) is None
