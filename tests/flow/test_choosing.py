"""Which checks a change needs, on which files, in which order, and whose fault a failure is."""

from __future__ import annotations

import shutil

import pytest
import sqlalchemy as sa

from intakebot.core import config
from intakebot.flow.promises import audit, tested
from intakebot.store.tables import runs
from tests.flow.conftest import ada, grace
from tests.flow.workshop import Workshop

SUITE = """<testsuite>
<testcase name="old" file="tests.py" line="1"><failure message="broken"/></testcase>
{more}</testsuite>"""
NEW = '<testcase name="new" file="tests.py" line="2"><failure message="broken too"/></testcase>'
TESTS = """
[checks.tests]
run = "cat *.xml > out.xml; ! grep -q '<failure' out.xml"
parse = "junit"
report = "out.xml"
retries = 0
"""


def done(shop: Workshop) -> list[tuple[str, str]]:
    """Name and outcome of every run that came to its end."""
    ended = sa.select(runs.c.name, runs.c.outcome).where(runs.c.state == "done")
    return [(row.name, row.outcome) for row in shop.rows(ended.order_by(runs.c.id))]


def logs(shop: Workshop) -> list[str]:
    return [row.log for row in shop.rows(sa.select(runs.c.log).order_by(runs.c.id))]


def set_up(shop: Workshop, text: str, **files: str) -> None:
    shop.by_hand("main", {config.NAME: text, **files})
    shop.settle()


def keeps_its_word(shop: Workshop) -> bool:
    """Whether `verify` finds that what landed passed its checks, and looked at something."""
    seen = audit.Audit(shop.house)
    return list(tested.breaches(seen)) == [] and seen.looked_at > 0


def test_a_check_runs_only_where_the_change_touches_its_files(shop: Workshop) -> None:
    set_up(shop, "[checks.styles]\nrun = 'false'\nwhen = ['*.css', 'styles/']\n")
    author = ada(shop)
    number = shop.opens(author, {"news.html": "<p>News</p>\n"})
    shop.settle()
    assert shop.standing(number) == "needs review" and done(shop) == []
    shop.pushes(author, {"styles/print": "p {}\n"})
    shop.settle()
    assert shop.standing(number) != "needs review" and done(shop)[0] == ("styles", "failed")


def test_a_check_of_changed_files_sees_those_and_what_it_names_and_nothing_else(
    shop: Workshop,
) -> None:
    text = "[checks.list]\nrun = 'find . -type f | sort'\nwhen = ['*.html']\nchanged = true\n"
    set_up(shop, text + "paths = ['.htmlrc']\n", **{".htmlrc": "x\n"})
    number = shop.opens(ada(shop), {"a/news.html": "<p>News</p>\n", "notes.txt": "x\n"})
    shop.settle()
    assert shop.standing(number) == "needs review"
    assert logs(shop) == ["./.htmlrc\n./a/news.html\n"]


def test_a_rebase_that_changes_nothing_of_what_a_check_gets_runs_nothing(shop: Workshop) -> None:
    set_up(shop, "[checks.pages]\nrun = 'true'\npaths = ['pages/']\n")
    author = ada(shop)
    number = shop.opens(author, {"pages/news.html": "<p>News</p>\n"})
    shop.settle()
    shop.by_hand("main", {"elsewhere.txt": "Meanwhile.\n"})
    clone = shop.clone(author)
    author.must("fetch", "--quiet", "origin", within=clone)
    author.must("rebase", "--quiet", "origin/main", within=clone)
    author.must("push", "--quiet", "--force", author.url("ada"), "HEAD:change", within=clone)
    shop.settle()
    assert shop.standing(number) == "needs review"
    assert done(shop) == [("pages", "passed")]
    shop.land(grace(shop), number)
    assert shop.standing(number) == "landed"
    assert done(shop) == [("pages", "passed")] and keeps_its_word(shop)


def test_a_check_waits_for_what_it_needs_and_does_not_start_when_that_fails(
    shop: Workshop,
) -> None:
    first = "[checks.a-slow]\nrun = 'true'\nneeds = ['quick']\n"
    set_up(shop, first + "[checks.quick]\nrun = '! grep -r BAD *.html'\nretries = 0\n")
    author = ada(shop)
    number = shop.opens(author, {"news.html": "BAD\n"})
    shop.settle()
    assert shop.standing(number) == "needs changes"
    assert [name for name, _ in done(shop)] == ["quick", "quick"]  # the second on the target
    assert "did not start, since quick did not pass" in shop.status_text(number)
    shop.pushes(author, {"news.html": "<p>News</p>\n"})
    shop.settle()
    assert shop.standing(number) == "needs review"
    assert done(shop)[2:] == [("quick", "passed"), ("a-slow", "passed")]


def test_what_is_not_required_is_shown_and_holds_nothing_up(shop: Workshop) -> None:
    set_up(shop, "[checks.taste]\nrun = '! grep -r BAD *.html'\nrequired = false\nretries = 0\n")
    number = shop.opens(ada(shop), {"news.html": "BAD\n"})
    shop.settle()
    assert shop.standing(number) == "needs review"
    assert "`taste`: failed with exit status 1" in shop.status_text(number)
    shop.land(grace(shop), number)
    assert shop.standing(number) == "landed" and keeps_its_word(shop)


def test_a_check_has_the_variables_that_its_definition_gives_it(shop: Workshop) -> None:
    set_up(shop, "[checks.env]\nrun = 'echo $STAGE'\nenv = { STAGE = 'a \"b\" $c' }\n")
    shop.opens(ada(shop), {"news.html": "<p>News</p>\n"})
    shop.settle()
    assert logs(shop) == ['a "b" $c\n']


def test_a_test_that_fails_on_the_target_too_is_not_laid_at_the_authors_door(
    shop: Workshop,
) -> None:
    set_up(shop, TESTS, **{"suite.xml": SUITE.format(more="")})
    number = shop.opens(ada(shop), {"news.html": "<p>News</p>\n"})
    shop.settle()
    assert shop.standing(number) == "needs review"
    assert "the target has all of it already" in shop.status_text(number)
    shop.land(grace(shop), number)
    assert shop.standing(number) == "landed" and keeps_its_word(shop)


def test_of_two_failing_tests_the_one_that_is_new_is_the_authors(shop: Workshop) -> None:
    set_up(shop, TESTS, **{"suite.xml": SUITE.format(more="")})
    number = shop.opens(ada(shop), {"suite.xml": SUITE.format(more=NEW)})
    shop.settle()
    assert shop.standing(number) == "needs changes"
    assert "1 of 2 are on the target already" in shop.status_text(number)


def test_where_nothing_tells_whether_it_is_worse_the_target_is_ours_to_mend(
    shop: Workshop,
) -> None:
    set_up(
        shop, "[checks.make]\nrun = '! grep -r BAD *.html'\nretries = 0\n", **{"b.html": "BAD\n"}
    )
    author = ada(shop)
    number = shop.opens(author, {"news.html": "<p>News</p>\n"})
    shop.settle()
    assert shop.standing(number) == "blocked by us"
    assert "main has to be mended first" in shop.why(number)
    shop.by_hand("main", {"b.html": "good\n"})
    clone = shop.clone(author)
    author.must("fetch", "--quiet", "origin", within=clone)
    author.must("rebase", "--quiet", "origin/main", within=clone)
    author.must("push", "--quiet", "--force", author.url("ada"), "HEAD:change", within=clone)
    shop.settle()
    assert shop.standing(number) == "needs review"


def test_recheck_runs_again_whatever_is_known(shop: Workshop) -> None:
    set_up(shop, "[checks.pages]\nrun = 'true'\npaths = ['pages/']\n")
    number = shop.opens(ada(shop), {"pages/news.html": "<p>News</p>\n"})
    shop.settle()
    maintainer = grace(shop)
    shop.says(maintainer, number, "/recheck")
    shop.settle()
    assert [row.state for row in shop.rows(sa.select(runs.c.state).order_by(runs.c.id))] == [
        "cancelled",
        "done",
    ]


@pytest.mark.parametrize("presets", ["'auto'", "['python']"])
def test_a_preset_needs_no_configuration_and_finds_its_files(shop: Workshop, presets: str) -> None:
    set_up(shop, f"presets = {presets}\n")
    author = ada(shop)
    number = shop.opens(author, {"notes.txt": "News\n"})
    shop.settle()
    assert done(shop) == []
    shop.pushes(author, {"tool/a.py": "import os\n"})
    shop.settle()
    assert shop.standing(number) == "needs changes"
    assert [(mark.path, mark.line) for mark in shop.marks(number) if mark.path] == [
        ("tool/a.py", 1)
    ]
    shop.pushes(author, {"tool/a.py": "import os\n\nprint(os.sep)\n"})
    shop.settle()
    assert shop.standing(number) == "needs review"


def test_a_check_whose_tool_is_missing_is_broken_on_our_side(shop: Workshop) -> None:
    set_up(shop, "[checks.x]\nrun = ['frobnicate']\ntools = ['frobnicate']\n")
    number = shop.opens(ada(shop), {"news.html": "<p>News</p>\n"})
    shop.settle()
    assert shop.standing(number) == "blocked by us"
    assert "'frobnicate' is not installed here" in shop.status_text(number)


@pytest.mark.parametrize("paths", ["", "paths = ['pages/']\n"])
def test_a_mirror_that_is_thrown_away_before_the_check_runs_is_made_again(
    shop: Workshop, paths: str
) -> None:
    set_up(shop, f"[checks.pages]\nrun = 'ls pages'\n{paths}")
    number = shop.opens(ada(shop), {"pages/news.html": "<p>News</p>\n"})
    shop.settle(checks=False)
    assert shop.standing(number) == "checking"
    shutil.rmtree(shop.settings.mirrors)
    shop.settle()
    assert shop.standing(number) == "needs review", shop.why(number)
    assert done(shop) == [("pages", "passed")] and logs(shop)[-1] == "news.html\n"
