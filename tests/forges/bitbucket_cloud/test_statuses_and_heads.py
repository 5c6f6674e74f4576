"""Full ids and statuses: what is remembered, what is asked, and what is never guessed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from intakebot.forges.bitbucket_cloud.heads import UNKNOWN, SeenHeads, looked_up, remembered
from intakebot.forges.bitbucket_cloud.http import Api
from intakebot.forges.bitbucket_cloud.remembered import MOST, Remembered
from intakebot.forges.bitbucket_cloud.statuses import Statuses
from intakebot.forges.bitbucket_cloud.words import Token
from tests.forges.bitbucket_cloud.scripted import Say, Script, scripted
from tests.forges.bitbucket_cloud.test_activity import ONE, TWO, read, seq, update

MARK = ("{site}", 7)


def api(script: Script) -> Api:
    return Api(script.url, lambda _: Token("access", "", "x"), lambda: datetime.now(UTC))


def test_a_tip_is_remembered_for_the_entry_that_brought_it() -> None:
    seen, activity = SeenHeads(), read(update(0, ONE), update(5, TWO))
    seen.learn(MARK, activity, TWO)
    assert seen.of(MARK) == {seq(5): TWO}
    assert remembered(activity, seen.of(MARK), TWO[:12]) == TWO
    assert remembered(activity, seen.of(MARK), ONE[:12]) is None


def test_the_first_tip_of_an_entry_stays_when_another_has_the_same_digits() -> None:
    seen, activity = SeenHeads(), read(update(0, ONE))
    seen.learn(MARK, activity, ONE)
    seen.learn(MARK, activity, ONE[:12] + "f" * 28)
    assert seen.of(MARK) == {seq(0): ONE}


def test_a_tip_that_the_newest_entry_does_not_name_is_not_remembered_for_it() -> None:
    seen = SeenHeads()
    seen.learn(MARK, read(update(0, ONE)), TWO)
    seen.learn(MARK, read(), TWO)
    assert seen.of(MARK) == {}


def test_what_is_remembered_has_an_end() -> None:
    memory: Remembered[int, int] = Remembered()
    for number in range(MOST + 10):
        memory.set(number, number)
    assert memory.get(9) is None and memory.get(10) == 10 and len(memory.values) == MOST


def test_digits_are_looked_up_in_one_repository_after_another() -> None:
    with scripted(Say(404, {}), Say(body={"hash": ONE})) as script:
        assert looked_up(api(script), ["/fork", "/main"], ONE[:12]) == ONE
        assert script.asked == [
            f"GET /2.0{place}/commit/{ONE[:12]}" for place in ("/fork", "/main")
        ]


@pytest.mark.parametrize("said", [{"hash": TWO}, {"hash": ONE[:20]}, {}, {"hash": None}])
def test_an_answer_that_is_not_the_commit_is_not_taken_for_it(said: object) -> None:
    with scripted(Say(body=said)) as script:
        assert looked_up(api(script), ["/main"], ONE[:12]) == UNKNOWN


def test_no_digits_are_no_commit_and_no_call() -> None:
    with scripted(Say(body={"hash": ONE})) as script:
        assert looked_up(api(script), ["/main"], "") == UNKNOWN
        assert script.asked == []


def test_a_status_is_looked_for_where_it_was_last() -> None:
    done = Say(body={"state": "FAILED", "description": "no", "url": "https://x"})
    with scripted(Say(404, {}), done) as script:
        statuses = Statuses(api(script))
        first = statuses.read(MARK, ["/main", "/fork"], ONE)
        again = statuses.read(MARK, ["/main", "/fork"], ONE)
    assert first == again and first is not None and first.state == "failure"
    assert [one.split("/")[2] for one in script.asked] == ["main", "fork", "fork"]
    assert script.asked[0].endswith("/statuses/build/intakebot-7")


def test_a_stopped_build_is_no_success() -> None:
    with scripted(Say(body={"state": "STOPPED"})) as script:
        found = Statuses(api(script)).read(MARK, ["/main"], ONE)
    assert found is not None and found.state == "failure"


def test_an_unknown_head_has_no_status_and_costs_no_call() -> None:
    with scripted(Say(body={})) as script:
        assert Statuses(api(script)).read(MARK, ["/main"], UNKNOWN) is None
    assert script.asked == []
