"""Check runs and what becomes of their results, through the rooms that act."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from intakebot.core.rule import Rule
from intakebot.flow.house import held, keep
from intakebot.flow.look import look
from intakebot.flow.sweep import RING_AGAIN, SURVEY_EVERY, Clock
from intakebot.model import Group, TryLater
from intakebot.store import work
from intakebot.store.tables import lanes, pulls, runs
from tests.flow.conftest import ada, grace
from tests.flow.workshop import Rings, Workshop

SARIF = """
{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "words"}}, "results": [
 {"ruleId": "W1", "level": "error", "message": {"text": "a bad word"},
  "locations": [{"physicalLocation": {"artifactLocation": {"uri": "index.html"},
                 "region": {"startLine": LINE}}}]}]}]}
"""
REPORTING = """
[checks.words]
run = "if grep -q BAD index.html; then cp bad.json o.json; exit 1; else cp none.json o.json; fi"
parse = "sarif"
report = "o.json"
"""


def outcomes(shop: Workshop) -> list[str]:
    return [row.state for row in shop.rows(sa.select(runs.c.state).order_by(runs.c.id))]


def test_the_same_tree_is_tested_once_and_recheck_tests_it_again(checked_shop: Workshop) -> None:
    shop, author, maintainer = checked_shop, ada(checked_shop), grace(checked_shop)
    number = shop.opens(author, {"news.html": "<p>News</p>\n"})
    shop.settle()
    author.must("commit", "--amend", "--quiet", "-m", "Other words", within=shop.clone(author))
    author.must(
        "push", "--force", "--quiet", author.url("ada"), "HEAD:change", within=shop.clone(author)
    )
    shop.settle()
    assert shop.standing(number) == "needs review"
    assert outcomes(shop) == ["done"]

    shop.says(maintainer, number, "/recheck")
    shop.settle()
    assert shop.standing(number) == "needs review"
    assert outcomes(shop) == ["cancelled", "done"]


class Meanwhile(tuple[Rule, ...]):
    """Rules that somebody else's work is done beside, once, while they are judged."""

    happens: list[Callable[[], object]]

    def __iter__(self) -> Iterator[Rule]:
        while self.happens:
            self.happens.pop()()
        return super().__iter__()


def test_a_check_that_ends_while_another_pull_request_comes_to_want_it_is_not_waited_for(
    checked_shop: Workshop,
) -> None:
    shop, author = checked_shop, ada(checked_shop)
    shop.opens(author, {"news.html": "<p>News</p>\n"})
    shop.settle(checks=False)
    (bell,) = shop.bell.waiting
    shop.push(author, "the-same-again")
    rules = Meanwhile(shop.house.rules)
    rules.happens = [lambda: shop.do(bell)]

    with shop.house.database.write() as connection:
        repo = work.repo_row(connection, "git", shop.repo_id)
        again = work.pull_row(connection, repo, 2, shop.now())
        work.nudge(connection, pulls, again, shop.now())
    look(replace(shop.house, rules=rules), again)

    assert outcomes(shop) == ["done"] and not rules.happens
    assert shop.standing(2) == "needs review"


def test_a_run_that_a_newer_push_made_needless_is_cancelled(checked_shop: Workshop) -> None:
    shop, author = checked_shop, ada(checked_shop)
    shop.opens(author, {"news.html": "<p>One</p>\n"})
    shop.settle(checks=False)
    shop.pushes(author, {"news.html": "<p>Two</p>\n"})
    shop.settle(checks=False)
    assert outcomes(shop) == ["cancelled", "queued"]
    shop.settle()
    assert outcomes(shop) == ["cancelled", "done"]


@pytest.mark.parametrize(("line", "posted"), [(1, True), (15, False)])
def test_a_finding_stands_on_its_line_only_where_the_change_touched_it(
    checked_shop: Workshop, line: int, posted: bool
) -> None:
    shop, author = checked_shop, ada(checked_shop)
    page = shop.served("show", "main:index.html").splitlines()
    shop.by_hand(
        "main",
        {
            ".intakebot.toml": REPORTING,
            "bad.json": SARIF.replace("LINE", str(line)),
            "none.json": '{"version": "2.1.0", "runs": []}',
        },
    )
    number = shop.opens(author, {"index.html": "\n".join(["<p>BAD</p>", *page[1:]]) + "\n"})
    shop.settle()
    assert shop.standing(number) == "needs changes"
    places = [(mark.path, mark.line) for mark in shop.marks(number) if mark.path]
    assert places == ([("index.html", 1)] if posted else [])

    shop.pushes(author, {"index.html": "\n".join(["<p>Good</p>", *page[1:]]) + "\n"})
    shop.settle()
    assert shop.standing(number) == "needs review"
    assert all(mark.resolved for mark in shop.marks(number) if mark.path)


def test_a_finding_in_a_symlink_is_not_laid_at_the_door_of_whoever_made_the_link(
    checked_shop: Workshop,
) -> None:
    shop, author = checked_shop, ada(checked_shop)
    sarif = SARIF.replace("LINE", "1").replace("index.html", "link.html")
    shop.by_hand(
        "main",
        {
            ".intakebot.toml": REPORTING.replace("grep -q BAD index.html", "[ -L link.html ]"),
            "bad.json": sarif,
            "none.json": '{"version": "2.1.0", "runs": []}',
        },
    )
    clone = shop.clone(author)
    author.must("switch", "--quiet", "--no-track", "-C", "change", "origin/main", within=clone)
    (clone / "link.html").symlink_to("index.html")
    author.commit(clone, {"about.html": "<p>About</p>\n"}, "Link to the page from elsewhere")
    shop.push(author, "change")
    shop.settle()
    number = shop.newest()
    assert shop.standing(number) == "needs changes"
    assert "a bad word" not in shop.status_text(number)
    assert [mark for mark in shop.marks(number) if mark.path] == []


def test_who_was_paused_past_the_lease_finds_out_before_writing_anything(shop: Workshop) -> None:
    author = ada(shop)
    number = shop.opens(author, {"news.html": "<p>News</p>\n"})
    shop.settle()
    (row,) = shop.rows(sa.select(pulls.c.id).where(pulls.c.number == number))
    with held(shop.house, pulls, row.id) as paused:
        assert paused is not None
        shop.passes(timedelta(minutes=1))
        other = replace(shop.house, owner="another")
        with held(other, pulls, row.id) as lease:
            assert lease is not None and lease.fence > paused.fence
            with (
                pytest.raises(TryLater, match="taken this over"),
                shop.house.database.write() as connection,
            ):
                keep(shop.house, connection, pulls, row.id, paused)
            assert paused.lost


def test_a_row_that_somebody_holds_is_left_to_them(shop: Workshop) -> None:
    number = shop.opens(ada(shop), {"news.html": "<p>News</p>\n"})
    shop.settle()
    (row,) = shop.rows(sa.select(pulls.c.id).where(pulls.c.number == number))
    with shop.house.database.write() as connection:
        work.nudge(connection, pulls, row.id, shop.now())
    seq = shop.forge_seq()
    with held(replace(shop.house, owner="another"), pulls, row.id) as lease:
        assert lease is not None
        look(shop.house, row.id)
        with shop.house.database.read() as connection:
            assert work.is_due(connection, pulls, row.id, shop.now())
    assert shop.forge_seq() == seq


def test_the_clock_rings_again_for_what_was_missed_but_not_at_every_sweep(shop: Workshop) -> None:
    rings = Rings()
    clock = Clock(replace(shop.house, bell=rings))
    with shop.house.database.write() as connection:
        repo = work.repo_row(connection, "git", shop.repo_id)
        lane = work.lane_row(connection, repo, "main")
        work.nudge(connection, lanes, lane, shop.now() - timedelta(minutes=1))
    heard = []
    for _ in range(2):
        clock.sweep()
        heard.append(f"lane:{lane}" in rings.waiting)
        rings.waiting.clear()
    shop.passes(RING_AGAIN)
    clock.sweep()
    heard.append(f"lane:{lane}" in rings.waiting)
    assert heard == [True, False, True]


@pytest.mark.parametrize("every", [SURVEY_EVERY, timedelta(seconds=1)])
def test_the_clock_sends_surveys_round_as_often_as_it_is_told(
    shop: Workshop, every: timedelta
) -> None:
    rings, start, heard = Rings(), shop.now(), []
    clock = Clock(replace(shop.house, bell=rings), every)
    for times in (0, 0.5, 1, 2):
        clock.house = replace(clock.house, now=partial(start.__add__, every * times))
        clock.sweep()
        heard.append("discover:0" in rings.waiting)
        rings.waiting.clear()
    assert heard == [True, False, True, True]


def test_a_check_that_cannot_run_on_the_merge_result_is_ours_and_not_the_authors(
    checked_shop: Workshop,
) -> None:
    shop, author, maintainer = checked_shop, ada(checked_shop), grace(checked_shop)
    # Broken (a missing command) only where both changes have come together.
    shop.by_hand("main", {".intakebot.toml": TOGETHER})
    number = shop.opens(author, {"one": "1\n"})
    shop.says(maintainer, number, "/approve")
    shop.settle()
    assert shop.standing(number) == "ready"
    shop.by_hand("main", {"two": "2\n"})
    before = shop.branch("main")
    shop.says(maintainer, number, "/merge")
    shop.settle()
    assert shop.branch("main") == before
    assert shop.standing(number) == "blocked by us"
    assert "could not run on the merge result" in shop.why(number)
    assert "could not run on the merge result" in shop.lane_problem()


TOGETHER = """
[checks.words]
run = "if test -e one && test -e two; then exit 127; fi"
"""


def test_who_has_landed_something_is_known_wherever_they_have_asked(checked_shop: Workshop) -> None:
    """Also where no branch has moved, as in another repository."""
    shop, maintainer = checked_shop, grace(checked_shop)
    otto = shop.person("otto", Group.OUTSIDER)
    shop.served("branch", "aside", "main")
    here, there = (shop.opens(otto, {name: "New\n"}, branch=name) for name in ("here", "there"))
    shop.change(otto, there, target="aside")
    shop.settle()
    assert [shop.standing(number) for number in (here, there)] == ["needs ok-to-test"] * 2
    shop.says(maintainer, here, "/ok-to-test")
    shop.land(maintainer, here)
    assert shop.standing(there) == "needs changes"  # of its target, as everybody would
