"""People do what they like in any order, workers die, events get lost, clocks are put wrong.

Whatever happened, in the end the house is quiet, every promise was kept, nothing has landed but a
commit that somebody entitled approved and asked to merge as it was, and the rest can still land.
`INTAKEBOT_EXAMPLES` asks for more runs, chosen anew each time (`make chaos`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from intakebot.flow.house import House
from tests.crashes import STEPS
from tests.databases import Databases
from tests.flow.kept import broken
from tests.model.shops import Shop, cloud_house, git_house

EXAMPLES = int(os.environ.get("INTAKEBOT_EXAMPLES", "0"))
WORDS = (
    "/approve",
    "/merge",
    "/approve\n/merge",
    "/hold",
    "/unhold",
    "/unapprove",
    "/status",
    "Hm.",
)


@dataclass
class Known:
    """What the model knows of one pull request, from what people did alone."""

    name: str
    head: str
    pushed: int = 0
    approved: set[str] = field(default_factory=set)  # heads, by somebody who may
    asked: set[str] = field(default_factory=set)
    comments: list[tuple[str, str]] = field(default_factory=list)  # (who, id)


class Gate(RuleBasedStateMachine):
    """`shop` is set by the test: one house for all runs, each with pull requests of its own."""

    shop: Shop
    runs = 0

    @initialize()
    def begin(self) -> None:
        type(self).runs += 1
        self.known: dict[int, Known] = {}
        self.shop.jump = timedelta()
        self.opens()

    # --- what people do ---------------------------------------------------------------

    @precondition(lambda self: len(self.known) < 3)
    @rule()
    def opens(self) -> None:
        name = f"run{self.runs}-{len(self.known)}"
        number, head = self.shop.people.opens(name)
        self.known[number] = Known(name, head)

    @rule(data=st.data(), text=st.sampled_from(["once more", "and again", "BROKEN"]))
    def pushes(self, data: st.DataObject, text: str) -> None:
        number = self._one(data)
        if number in dict(self.shop.landed()):
            return
        known = self.known[number]
        known.pushed += 1
        known.head = self.shop.people.pushes(known.name, f"{text}, time {known.pushed}")

    @rule(
        data=st.data(),
        who=st.sampled_from(["maintainer", "maintainer", "author", "colleague"]),
        text=st.sampled_from(WORDS),
    )
    def says(self, data: st.DataObject, who: str, text: str) -> None:
        known = self.known[number := self._one(data)]
        known.comments.append((who, self.shop.people.says(who, number, text)))
        if who == "maintainer" and "/approve" in text:
            known.approved.add(known.head)
        if who in ("maintainer", "colleague") and "/merge" in text:
            known.asked.add(known.head)

    @rule(data=st.data())
    def approves_by_the_button(self, data: st.DataObject) -> None:
        known = self.known[number := self._one(data)]
        if number in dict(self.shop.landed()):
            return
        self.shop.people.approves(number)
        known.approved.add(known.head)

    @rule(data=st.data(), gaps=st.tuples(*[st.integers(0, 6)] * 3), back=st.booleans())
    def approves_then_something_else_is_pushed_and_merged(
        self, data: st.DataObject, gaps: tuple[int, int, int], back: bool
    ) -> None:
        """What a gate exists to stop, with the house at work for a while in between, or not."""
        number = self._one(data)
        if number in dict(self.shop.landed()):
            return
        known = self.known[number]
        known.comments.append(
            ("maintainer", self.shop.people.says("maintainer", number, "/approve"))
        )
        known.approved.add(known.head)
        self.shop.nudged(number)
        self.shop.does(gaps[0])
        if back:  # the merge is asked for what was approved, and the push comes after it
            self._merge(number)
            self.shop.does(gaps[1])
        known.pushed += 1
        known.head = self.shop.people.pushes(known.name, f"something else, time {known.pushed}")
        self.shop.nudged(number)
        self.shop.does(gaps[2])
        if not back:
            self._merge(number)

    def _merge(self, number: int) -> None:
        comment = self.shop.people.says("colleague", number, "/merge")
        self.known[number].comments.append(("colleague", comment))
        self.known[number].asked.add(self.known[number].head)

    @precondition(lambda self: any(known.comments for known in self.known.values()))
    @rule(data=st.data())
    def deletes_a_comment(self, data: st.DataObject) -> None:
        numbers = [number for number, known in self.known.items() if known.comments]
        number = data.draw(st.sampled_from(numbers))
        who, comment = self.known[number].comments.pop()
        self.shop.people.deletes(who, number, comment)

    # --- what becomes of it -----------------------------------------------------------

    @rule(data=st.data(), times=st.integers(1, 2))
    def a_delivery_comes(self, data: st.DataObject, times: int) -> None:
        for _ in range(times):
            self.shop.nudged(self._one(data))

    @rule(most=st.integers(1, 12))
    def a_worker_works(self, most: int) -> None:
        self.shop.does(most)

    @rule()
    def the_world_goes_on_for_a_while(self) -> None:
        self.shop.settles(1)

    @rule(
        step=st.sampled_from([*STEPS["worker"], *STEPS["clock"]]),
        times=st.integers(1, 2),
    )
    def a_worker_is_killed(self, step: str, times: int) -> None:
        self.shop.dies(step, times)

    @rule(minutes=st.sampled_from([-60, -5, 5, 60]))
    def the_clock_is_put_wrong(self, minutes: int) -> None:
        self.shop.jump += timedelta(minutes=minutes)

    def _one(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(sorted(self.known)))

    # --- what holds in the end --------------------------------------------------------

    def teardown(self) -> None:
        if not hasattr(self, "known"):
            return
        self.shop.settles()
        assert broken(self.shop.house) == []
        self._only_what_was_wanted_has_landed()
        self._the_rest_can_still_land()

    def _only_what_was_wanted_has_landed(self) -> None:
        mine = [(number, head) for number, head in self.shop.landed() if number in self.known]
        assert len(set(mine)) == len(mine), "something landed twice"
        for number, head in mine:
            assert head in self.known[number].approved, f"#{number} was never approved at {head}"
            assert head in self.known[number].asked, f"nobody asked to merge #{number} at {head}"

    def _the_rest_can_still_land(self) -> None:
        for number, known in self.known.items():
            if number in dict(self.shop.landed()):
                continue
            known.head = self.shop.people.pushes(known.name, "mended at last")
            self.shop.settles(1)
            self.shop.people.says("maintainer", number, "/unhold\n/approve\n/merge")
            self.shop.settles(2)
            state, why = self.shop.stands(number)
            assert state == "landed", f"#{number} stands at {state}: {why}"


def tried(shop: Shop) -> None:
    machine = type("Tried", (Gate,), {"shop": shop})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES or 4,
            stateful_step_count=14,
            derandomize=not EXAMPLES,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture(scope="module")
def on_git(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, checking: House
) -> Iterator[Shop]:
    with git_house(tmp_path_factory.mktemp("git"), databases, checking) as shop:
        yield shop
        assert broken(shop.house) == []


@pytest.fixture(scope="module")
def on_cloud(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, checking: House
) -> Iterator[Shop]:
    with cloud_house(tmp_path_factory.mktemp("cloud"), databases, checking) as shop:
        yield shop
        assert broken(shop.house) == []


@pytest.mark.long
def test_whatever_happens_on_the_git_forge_the_promises_hold(on_git: Shop) -> None:
    tried(on_git)


@pytest.mark.long
def test_whatever_happens_on_bitbucket_cloud_the_promises_hold(on_cloud: Shop) -> None:
    tried(on_cloud)
