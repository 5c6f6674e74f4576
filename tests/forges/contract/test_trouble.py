"""Limits, outages, nonsense and refused credentials: said as such, and never an empty answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from intakebot.forges.api import Forge
from intakebot.model import OperatorError, PostComment, TryLater
from tests.forges.contract.bench import LIMITED_FOR, NO_ANSWER, NOT_NOW, Bench, Way, read
from tests.forges.contract.effects import missing, possible


def reads(bench: Bench, number: int) -> list[Callable[[Forge], object]]:
    """Each question that takes a request of its own."""
    return [
        lambda forge: forge.pull(bench.repo_id, number),
        lambda forge: forge.pulls_since(bench.repo_id, ""),
        lambda forge: forge.permission(bench.repo_id, bench.id_of("wim")),
        lambda forge: forge.me(),
    ]


def assert_sensible(way: Way, error: TryLater) -> None:
    assert 1 <= error.after <= 3600
    assert way != "limited" or error.after == LIMITED_FOR


def test_what_cannot_be_read_now_is_tried_later(bench: Bench) -> None:
    number = bench.opens()
    for way in NOT_NOW:
        bench.fails(way, "reads")
        # Where nobody answers, reads may be sent again, which takes its time: one is enough.
        for ask in reads(bench, number)[: 1 if way == "cut" else None]:
            with pytest.raises(TryLater) as put_off:
                ask(bench.fresh())
            assert_sensible(way, put_off.value)
        bench.recovers()
    for ask in reads(bench, number):
        assert ask(bench.fresh())


def test_an_answer_that_is_none_of_the_forges_is_not_taken_for_one(bench: Bench) -> None:
    """A page of some gateway does not mean that a pull request is gone, nor {} that all are."""
    number = bench.opens()
    assert bench.forge.pull(bench.repo_id, 999) is None
    for way in NO_ANSWER:
        bench.fails(way, "reads")
        for ask in reads(bench, number):
            with pytest.raises((TryLater, OperatorError)):
                ask(bench.fresh())
        bench.recovers()


def test_a_repository_that_cannot_be_found_is_no_pull_request_that_is_gone(bench: Bench) -> None:
    with pytest.raises((TryLater, OperatorError)):
        bench.forge.pull("{00000000-0000-4000-8000-000000000000}", 1)
    with pytest.raises((TryLater, OperatorError)):
        bench.forge.pull("999", 1)


def test_what_cannot_be_done_now_is_tried_later_and_was_not_done(bench: Bench) -> None:
    number = bench.opens()
    pull = read(bench, number)
    effects = possible(bench, pull.head)
    for way in NOT_NOW:
        bench.fails(way, "writes")
        for effect in effects:
            with pytest.raises(TryLater) as put_off:
                bench.forge.perform(pull, effect)
            assert_sensible(way, put_off.value)
        bench.recovers()
    assert read(bench, number) == pull
    for effect in effects:
        bench.forge.perform(pull, effect)
    assert missing(bench, number) == []


def test_a_refused_credential_is_told_to_the_operator_with_the_cure(bench: Bench) -> None:
    number = bench.opens()
    pull = read(bench, number)
    for ask in reads(bench, number):
        with pytest.raises(OperatorError, match=bench.cure):
            ask(bench.refused())
    with pytest.raises(OperatorError, match=bench.cure):
        bench.refused().perform(pull, PostComment("status", "It stands."))
    assert read(bench, number) == pull
