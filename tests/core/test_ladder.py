"""The ladder: whatever the facts are, a pull request stands somewhere, and only there."""

from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intakebot.core.asks import Asks
from intakebot.core.comment import ACTIONS, STATUS_OF, status_comment, status_line
from intakebot.core.ladder import stand
from intakebot.core.neutral import neutral_facts
from intakebot.model import Facts, Level, State, Turn, Verdict, VerdictState

VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: st.sampled_from(("", "text", "declined", "closed", "merged")),
    int: st.integers(0, 3),
    bool: st.booleans(),
    list[str]: st.lists(st.just("some"), max_size=2),
}
all_facts = st.builds(Facts, **{name: VALUES[hint] for name, hint in get_type_hints(Facts).items()})
verdicts = st.lists(
    st.builds(
        Verdict,
        st.just("rule"),
        st.just("digest"),
        st.sampled_from(Level),
        st.sampled_from(VerdictState),
        st.just("It holds"),
    ),
    max_size=3,
)


@given(all_facts, verdicts)
def test_every_pull_request_stands_somewhere_and_it_can_be_said(
    facts: Facts, judged: list[Verdict]
) -> None:
    standing = stand(facts, judged)
    assert standing.why
    assert standing.turn in STATUS_OF
    text = status_comment(facts, standing, judged, (), Asks(), {})
    assert text.startswith("**")
    assert len(status_line(standing, "").text) <= 140


@given(all_facts, verdicts)
def test_nothing_is_queued_or_ready_while_anything_is_missing(
    facts: Facts, judged: list[Verdict]
) -> None:
    if stand(facts, judged).state not in (State.QUEUED, State.READY):
        return
    assert not (facts.landed or facts.held_by or facts.draft or facts.blocked_by_us)
    assert not facts.unreadable
    assert not (facts.checks_pending or facts.checks_broken or facts.changes_requested_by)
    assert facts.approvals >= facts.approvals_needed and facts.cleared_to_test
    assert facts.state not in ("closed", "merged", "declined")
    assert not any(one.state is VerdictState.BROKEN for one in judged)
    assert not any(
        one.state is VerdictState.UNSATISFIED and one.level in (Level.REJECT, Level.ERROR)
        for one in judged
    )


def verdict(level: Level, state: VerdictState = VerdictState.UNSATISFIED) -> Verdict:
    return Verdict("rule", "digest", level, state, "It holds")


@pytest.mark.parametrize(
    ("given_facts", "judged", "state", "turn"),
    [
        ({"approvals": 1}, [], State.READY, Turn.MAINTAINER),
        ({}, [], State.NEEDS_REVIEW, Turn.REVIEWER),
        ({"approvals": 1, "merge_asked_by": "Grace"}, [], State.QUEUED, Turn.BOT),
        ({"checks_pending": ["tests"]}, [], State.CHECKING, Turn.BOT),
        ({"checks_pending": ["tests"]}, [Level.ERROR], State.NEEDS_CHANGES, Turn.AUTHOR),
        ({"approvals": 1}, [Level.WARNING, Level.NOTE], State.READY, Turn.MAINTAINER),
        ({"unreadable": "let us in"}, [], State.BLOCKED_BY_US, Turn.AUTHOR),
        ({"unreadable": "let us in"}, [Level.REJECT], State.REJECTED, Turn.AUTHOR),
        ({"held_by": ["Grace"]}, [Level.ERROR], State.ON_HOLD, Turn.MAINTAINER),
        ({"held_by": ["Grace"]}, [Level.REJECT], State.REJECTED, Turn.AUTHOR),
        ({"draft": True, "blocked_by_us": ["x"]}, [], State.DRAFT, Turn.AUTHOR),
        ({"blocked_by_us": ["x"]}, [Level.ERROR], State.BLOCKED_BY_US, Turn.OPERATOR),
        ({"cleared_to_test": False}, [], State.NEEDS_OK_TO_TEST, Turn.MAINTAINER),
        ({"approvals": 1, "landing_failed": "x"}, [], State.NEEDS_CHANGES, Turn.AUTHOR),
        ({"state": "declined"}, [Level.REJECT], State.REJECTED, Turn.AUTHOR),
        ({"state": "declined"}, [], State.CLOSED, Turn.NOBODY),
        ({"state": "closed"}, [Level.REJECT], State.CLOSED, Turn.NOBODY),
        ({"state": "merged", "landed": "a" * 40}, [], State.LANDED, Turn.NOBODY),
        ({"state": "merged"}, [], State.MERGED, Turn.NOBODY),
    ],
)
def test_the_first_rung_that_holds_is_the_standing(
    given_facts: dict[str, object], judged: list[Level], state: State, turn: Turn
) -> None:
    standing = stand(neutral_facts(**given_facts), [verdict(level) for level in judged])
    assert (standing.state, standing.turn) == (state, turn)


def test_a_broken_rule_of_any_level_blocks() -> None:
    broken = [verdict(Level.NOTE, VerdictState.BROKEN)]
    assert stand(neutral_facts(approvals=1), broken).state is State.BLOCKED_BY_US


def test_every_state_has_its_sentence() -> None:
    assert set(ACTIONS) == set(State)
    assert set(STATUS_OF) == set(Turn)
