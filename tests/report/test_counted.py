"""What was written down of a pull request is what counting it anew gives."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from intakebot.core.metrics.counted import from_text, to_text, together
from intakebot.core.metrics.stories import Story, count
from tests.report.test_stories import PEOPLE, act, at, known, story, verdict

HOURS = st.floats(0, 2_000, allow_nan=False)
HEADS = st.sampled_from("abc")
KINDS = st.lists(st.sampled_from(("lint", "title", "check words")), max_size=3, unique=True)
VERDICTS = st.builds(lambda at, head, kinds: verdict(at, head, *kinds), HOURS, HEADS, KINDS)
STATES = ("", "asks", "command", "changes_requested", "approved")
ACTS = st.builds(
    act,
    st.sampled_from(("push", "comment", "review")),
    st.sampled_from((*PEOPLE, "somebody")),
    HOURS,
    HEADS,
    st.sampled_from(STATES),
)
TITLES = st.one_of(
    st.text(),
    st.text(st.characters(), max_size=20).map(lambda text: f'Revert "{text}"'),
    st.just("half a pair: \ud800"),
)
DESCRIPTIONS = st.one_of(st.text(), st.just("This reverts commit abcdef1, sorry."))


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Of any shape, also such as no house has seen."""
    verdicts = sorted(draw(st.lists(VERDICTS, max_size=4)), key=lambda one: one.at)
    acts = sorted(draw(st.lists(ACTS, max_size=6)), key=lambda one: one.at)
    return story(
        *verdicts,
        acts=tuple(acts),
        number=draw(st.integers(1, 10**9)),
        author=draw(st.sampled_from((*PEOPLE, "somebody"))),
        state=draw(st.sampled_from(("merged", "declined"))),
        closed=at(draw(HOURS)),
        commit=draw(st.sampled_from(("", "abcdef1234"))),
        title=draw(TITLES),
        description=draw(DESCRIPTIONS),
        lines=draw(st.integers(0, 10**9)),
        conflicts=tuple(sorted(map(at, draw(st.lists(HOURS, max_size=2))))),
        opinions=tuple(draw(st.lists(st.integers(1, 5), max_size=3))),
        lint=draw(st.integers(0, 9)),
        silenced=draw(st.integers(0, 2)),
        failed=tuple(sorted(draw(st.sets(st.sampled_from(("runs tests", "lints")))))),
        **{name: draw(st.booleans()) for name in ("from_fork", "code", "tests")},
    )


@given(stories())
def test_what_was_written_is_read_as_it_was(told: Story) -> None:
    counted = count(told, known(3_000))
    assert from_text(to_text(counted), lambda repo, number: told.url) == counted


@given(st.lists(stories(), max_size=5), st.integers(0, 5), HOURS)
def test_some_that_were_written_earlier_make_the_same_report(
    told: list[Story], first: int, later: float
) -> None:
    """What is over does not depend on when it is counted, nor the report on what was written."""
    told = [replace(one, number=number) for number, one in enumerate(told)]  # as in a repository
    then, now = known(2_500), known(2_500 + later)
    written = [to_text(count(one, then)) for one in told[:first]]
    read = [from_text(text, lambda repo, number: "u") for text in written]
    rest = [count(one, now) for one in told[first:]]
    anew = [count(one, now) for one in told]
    assert together([*rest, *read], now.as_of) == together(anew, now.as_of)
