"""Which pull requests changed: one list compared with what it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from intakebot.forges.bitbucket_cloud.pace import Pace
from intakebot.model import PostComment, TryLater
from tests.forges.bitbucket_cloud.cast import MAIN, Cast


def changed(cast: Cast, cursor: str) -> tuple[tuple[int, ...], str]:
    found = cast.forge.pulls_since(cast.repo_id, cursor)
    return found.numbers, found.cursor


def test_an_approval_that_was_taken_back_and_given_again_is_noticed(cast: Cast) -> None:
    number, _ = cast.opens()
    cast.approves(cast.bob, number)
    _, cursor = changed(cast, "")
    stamp = cast.cloud.pull(MAIN, number).updated_on
    cast.unapproves(cast.bob, number)
    cast.approves(cast.bob, number)
    cast.cloud.pull(MAIN, number).updated_on = stamp
    assert changed(cast, cursor)[0] == (number,)


def test_more_than_a_page_of_open_ones_is_two_calls(cast: Cast) -> None:
    number, _ = cast.opens()
    cast.multiply(number, 60)
    cast.cloud.forget_calls()
    numbers, cursor = changed(cast, "")
    assert len(numbers) == 60 and len(cast.api_calls()) == 2
    assert changed(cast, cursor)[0] == ()


def test_the_list_is_put_off_before_the_hours_calls_are_used_up(cast: Cast) -> None:
    number, _ = cast.opens()
    pull = cast.pull(number)
    while cast.forge.left() > 100:
        cast.forge.api.allowance.spend(cast.tokens["read"])
    with pytest.raises(TryLater, match="900 of 1000"):
        changed(cast, "")
    cast.forge.perform(pull, PostComment("status", "What can't wait goes on."))
    assert len(cast.pull(number).comments) == 1
    cast.later(minutes=61)
    assert changed(cast, "")[0] == (number,)


def test_no_look_begins_whose_writing_might_be_refused(cast: Cast) -> None:
    number, _ = cast.opens()
    pull = cast.pull(number)
    while cast.forge.left() > 41:
        cast.forge.api.allowance.spend(cast.tokens["read"])
    cast.pull(number)
    with pytest.raises(TryLater, match="of 1000 Bitbucket Cloud calls"):
        cast.pull(number)
    cast.forge.perform(pull, PostComment("status", "A look that has begun is ended."))
    cast.later(minutes=61)
    assert len(cast.pull(number).comments) == 1


def test_lists_are_read_so_seldom_that_the_hours_calls_last(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "intakebot")
    number, _ = cast.opens()
    changed(cast, "")
    assert cast.forge.survey_every() == timedelta(minutes=2)
    cast.connections += [replace(cast.connection, repo_id=f"{{{n}}}") for n in range(9)]
    assert cast.forge.survey_every() == timedelta(minutes=2)
    cast.multiply(number, 60)
    changed(cast, "")
    assert cast.forge.survey_every() == timedelta(minutes=2)  # eleven calls a round
    for one in cast.connections:
        cast.forge.pace.note(one.repo_id, 60)
    assert cast.forge.survey_every() == timedelta(seconds=144)
    assert told(caplog) == []
    while cast.forge.left() >= 350:
        cast.forge.api.allowance.spend(cast.tokens["read"])
    for _ in range(3):
        assert cast.forge.survey_every() == timedelta(seconds=2 * 144)
    assert told(caplog) == [(2, 349)]
    while cast.forge.left() >= 200:
        cast.forge.api.allowance.spend(cast.tokens["read"])
    assert cast.forge.survey_every() == timedelta(seconds=4 * 144)
    cast.later(minutes=61)
    assert cast.forge.survey_every() == timedelta(seconds=144)
    assert told(caplog) == [(2, 349), (4, 199), (1, 1_000)]


def test_an_operators_own_pace_holds_until_half_of_the_hours_calls_are_used(cast: Cast) -> None:
    pace = Pace(cast.forge.api, lambda: cast.connections, own=timedelta(seconds=2))

    def every_with_left(calls: int) -> float:
        while cast.forge.left() > calls:
            cast.forge.api.allowance.spend(cast.tokens["read"])
        return pace.every().total_seconds()

    assert every_with_left(501) == 2
    assert every_with_left(500) == 7.2  # 500 calls of one list are an hour
    assert every_with_left(300) == 2 * 7.2
    assert every_with_left(150) == 4 * 7.2
    cast.later(minutes=61)
    assert every_with_left(1_000) == 2


def test_an_operators_own_pace_may_also_be_slower(cast: Cast) -> None:
    pace = Pace(cast.forge.api, lambda: cast.connections, own=timedelta(minutes=10))
    assert pace.every() == timedelta(minutes=10)


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[int, int]]:
    """How many times slower, and with how many calls left, each time it was told."""
    said = [one.__dict__["fields"] for one in caplog.records if "pace" in one.getMessage()]
    return [(one["slower"], one["calls_left"]) for one in said]
