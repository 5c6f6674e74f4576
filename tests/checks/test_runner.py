"""Checks as a contributor meets them: the real ruff and the real pytest, in the sandbox."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from intakebot.checks.box import Tree
from intakebot.checks.runner import run_check
from intakebot.checks.sandbox import Sandbox
from intakebot.checks.toolbox import build_toolbox, find_tools
from intakebot.model import CheckDefinition, CheckResult, Level, Outcome, ReportFormat
from tests.checks.conftest import tree_of

RUFF = ("ruff", "check", "--output-format", "sarif")
PYTEST = ("pytest", "-q", "--junitxml=report.xml")
PRICES = "def total(prices):\n    return sum(prices) + 1\n"
TESTS = """from prices import total


def test_empty():
    assert total([]) == 1


def test_total():
    assert total([2, 3]) == 5


def test_more():
    assert total([2]) == 3
"""


def check(
    sandbox: Sandbox,
    toolbox: Path | None,
    run: tuple[str, ...],
    files: Mapping[str, str] | None = None,
    parse: Literal["none"] | ReportFormat = "none",
    report: str = "-",
    timeout: int = 20,
    pattern: str = "",
) -> CheckResult:
    definition = CheckDefinition("lint", run, parse, report, timeout, 256 << 20, "digest", pattern)
    result = run_check(definition, tree_of(files or {}), sandbox, toolbox=toolbox)
    assert result is not None
    return result


def test_ruff_says_on_which_line_what_is_wrong(sandbox: Sandbox, toolbox: Path) -> None:
    files = {"shop/prices.py": "x = 1\nimport os\n", "shop/cart.py": "import sys\n"}
    result = check(sandbox, toolbox, RUFF, files, "sarif")
    assert result.outcome is Outcome.FAILED
    assert result.summary == f"{len(result.findings)} problems found"
    unused = {each.place: each for each in result.findings if each.rule == "F401"}
    assert set(unused) == {"shop/prices.py:2", "shop/cart.py:1"}
    assert unused["shop/cart.py:1"].tool == "ruff"
    assert "`sys` imported but unused" in unused["shop/cart.py:1"].message


def test_a_pattern_reads_what_any_tool_says(sandbox: Sandbox, toolbox: Path) -> None:
    run = ("sh", "-c", "grep -rn TODO . ; false")
    files = {"shop/a.py": "x = 1\ny = 2  # TODO: sell it\n"}
    pattern = r"^(?P<path>[^:]+):(?P<line>\d+):.*(?P<rule>TODO): (?P<message>.*)$"
    result = check(sandbox, toolbox, run, files, "regex", pattern=pattern)
    assert result.summary == "1 problem found"
    [found] = result.findings
    assert (found.place, found.rule, found.message) == ("shop/a.py:2", "TODO", "sell it")


def test_ruff_passes_clean_code(sandbox: Sandbox, toolbox: Path) -> None:
    result = check(sandbox, toolbox, RUFF, {"a.py": "x = 1\n"}, "sarif")
    assert (result.outcome, result.summary, result.findings) == (Outcome.PASSED, "passed", ())


def test_pytest_names_the_failed_test_and_its_line(sandbox: Sandbox, toolbox: Path) -> None:
    files = {"prices.py": PRICES, "test_prices.py": TESTS}
    result = check(sandbox, toolbox, PYTEST, files, "junit", "report.xml")
    assert result.outcome is Outcome.FAILED
    assert result.summary == "1 of 3 tests failed: test_prices.py: test_total"
    [found] = result.findings
    assert (found.path, found.line, found.level) == ("test_prices.py", 9, Level.ERROR)
    assert "assert 6 == 5" in found.message
    assert "1 failed, 2 passed" in result.log
    assert "\x1b" not in result.log


def test_pytest_points_at_the_line_that_cannot_be_imported(sandbox: Sandbox, toolbox: Path) -> None:
    files = {"tests/test_shop.py": "import os\nimport shop_that_is_not\n"}
    result = check(sandbox, toolbox, PYTEST, files, "junit", "report.xml")
    assert result.outcome is Outcome.FAILED
    assert [each.place for each in result.findings] == ["tests/test_shop.py:2"]


def test_a_report_without_faults_cannot_turn_a_failure_into_a_pass(sandbox: Sandbox) -> None:
    script = "echo '<testsuites><testcase name=\"a\"/></testsuites>'; exit 1"
    result = check(sandbox, None, ("sh", "-c", script), parse="junit")
    assert (result.outcome, result.summary) == (Outcome.FAILED, "failed with exit status 1")


def test_findings_of_a_check_that_passed_are_kept(sandbox: Sandbox, toolbox: Path) -> None:
    result = check(sandbox, toolbox, (*RUFF, "--exit-zero"), {"a.py": "import os\n"}, "sarif")
    assert result.outcome is Outcome.PASSED
    assert [each.rule for each in result.findings] == ["F401"]


def test_a_missing_command_is_ours_to_mend(sandbox: Sandbox) -> None:
    result = check(sandbox, None, ("no-such-linter",))
    assert result.outcome is Outcome.BROKEN
    assert result.summary == "the command 'no-such-linter' was not found"


def test_a_file_that_cannot_be_run_is_ours_to_mend(sandbox: Sandbox) -> None:
    result = check(sandbox, None, ("./lint",), {"lint": "no program"})
    assert result.outcome is Outcome.BROKEN


def test_a_failure_without_its_report_is_the_contributors(sandbox: Sandbox) -> None:
    result = check(sandbox, None, ("false",), parse="junit", report="report.xml")
    assert result.outcome is Outcome.FAILED
    assert result.summary == "failed with exit status 1; its report was not written"


def test_a_pass_without_its_report_proves_nothing(sandbox: Sandbox) -> None:
    result = check(sandbox, None, ("true",), parse="junit", report="report.xml")
    assert result.outcome is Outcome.BROKEN


@pytest.mark.parametrize("parse", ["sarif", "junit"])
def test_an_unreadable_report_shows_how_it_begins(
    sandbox: Sandbox, parse: Literal["sarif", "junit"]
) -> None:
    result = check(sandbox, None, ("echo", "usage: lint [FILE]"), parse=parse)
    assert result.outcome is Outcome.BROKEN
    assert "usage: lint [FILE]" in result.summary


def test_a_report_that_is_too_large_is_not_taken(sandbox: Sandbox) -> None:
    result = check(sandbox, None, ("head", "-c", "9m", "/dev/zero"), parse="sarif")
    assert result.outcome is Outcome.BROKEN
    assert "larger than 8 MiB" in result.summary


def test_a_check_that_takes_too_long_is_told_so_in_plain_words(sandbox: Sandbox) -> None:
    result = check(sandbox, None, ("sh", "-c", "echo started; sleep 60"), timeout=1)
    assert (result.outcome, result.summary) == (Outcome.FAILED, "stopped after 1 s")
    assert result.log == "started\n"


def test_a_check_that_takes_too_much_memory_is_told_so(sandbox: Sandbox) -> None:
    program = "block = bytearray(b'x') * (400 << 20); import time; time.sleep(30)"
    result = check(sandbox, None, ("/usr/bin/python3", "-c", program))
    assert result.outcome is Outcome.FAILED
    assert result.summary == "stopped: it used more than 256 MiB of memory"


def test_a_cancelled_check_has_no_result(sandbox: Sandbox) -> None:
    definition = CheckDefinition("long", ("sleep", "60"), "none", "-", 30, 256 << 20, "digest")
    result = run_check(definition, tree_of({}), sandbox, toolbox=None, keep_alive=lambda: False)
    assert result is None


def test_the_log_is_short_and_cannot_steer_a_terminal(sandbox: Sandbox) -> None:
    script = r"printf '\033[31mred\033[0m \033]0;title\007\a\r\n\377'; seq 100000; echo last"
    result = check(sandbox, None, ("sh", "-c", script))
    assert result.log.startswith("red \n\N{REPLACEMENT CHARACTER}1\n2\n")
    assert result.log.endswith("99999\n100000\nlast\n")
    assert "bytes left out" in result.log
    assert len(result.log.encode()) < (64 << 10) + 100


def changing(*trees: Mapping[str, str]) -> Tree:
    """The first one is what the first run sees, and so on, as time and chance would have it."""
    waiting = list(trees)
    return lambda stream: tree_of(waiting.pop(0))(stream)


PASSES = ("sh", "-c", "cat word; grep -q good word")


def test_what_fails_and_then_passes_on_the_same_files_is_flaky(sandbox: Sandbox) -> None:
    definition = CheckDefinition("x", PASSES, "none", "-", 20, 256 << 20, "digest", retries=1)
    tree = changing({"word": "bad\n"}, {"word": "good\n"})
    result = run_check(definition, tree, sandbox, toolbox=None)
    assert result is not None and result.outcome is Outcome.FLAKY
    assert "failed with exit status 1" in result.summary
    assert result.log == "bad\n"  # of the run that has to be understood


@pytest.mark.parametrize("retries", [0, 2])
def test_what_keeps_failing_is_run_again_no_more_often_than_it_says(
    sandbox: Sandbox, retries: int
) -> None:
    definition = CheckDefinition("x", PASSES, "none", "-", 20, 256 << 20, "digest", retries=retries)
    tree = changing(*[{"word": f"bad {number}\n"} for number in range(1 + retries)])
    result = run_check(definition, tree, sandbox, toolbox=None)
    assert result is not None and (result.outcome, result.log) == (Outcome.FAILED, "bad 0\n")


def test_what_takes_too_long_is_not_run_again(sandbox: Sandbox) -> None:
    run = ("sleep", "30")
    definition = CheckDefinition("x", run, "none", "-", 1, 256 << 20, "digest", retries=3)
    result = run_check(definition, changing({"a": "x"}), sandbox, toolbox=None)
    assert result is not None and result.summary == "stopped after 1 s"


def test_a_tree_that_does_not_fit_is_said_and_not_run(sandbox: Sandbox) -> None:
    result = check(sandbox, None, ("true",), {"../out": "x"})
    assert result.outcome is Outcome.BROKEN
    assert "could not be unpacked" in result.summary


def test_a_check_whose_tree_is_too_large_is_told_the_cure_and_runs_with_it(
    sandbox: Sandbox,
) -> None:
    tree = tree_of({f"{at}": "x" * (64 << 20) for at in range(9)})
    run = ("sh", "-c", "cat * | wc -c | grep 603979776")
    in_memory = CheckDefinition("x", run, "none", "-", 60, 256 << 20, "digest")
    on_disk = replace(in_memory, disk=1 << 30)
    told, ran = (run_check(one, tree, sandbox, toolbox=None) for one in (in_memory, on_disk))
    assert told is not None and told.outcome is Outcome.BROKEN
    assert '`disk = "4g"` in the check' in told.summary
    assert ran is not None and ran.outcome is Outcome.PASSED, ran


def test_checks_cannot_change_their_tools(sandbox: Sandbox, toolbox: Path) -> None:
    script = "touch /opt/intakebot-tools/bin/x || chmod 777 /opt/intakebot-tools/bin/ruff"
    result = check(sandbox, toolbox, ("sh", "-c", script))
    assert result.outcome is Outcome.FAILED
    assert not (toolbox / "bin" / "x").exists()


def test_the_toolbox_is_made_once_and_readable_to_everybody(toolbox: Path) -> None:
    before = toolbox.stat()
    found = find_tools(toolbox.parent, {})
    assert build_toolbox(toolbox.parent, found) == toolbox
    assert toolbox.stat().st_mtime_ns == before.st_mtime_ns
    assert [each.name for each in toolbox.parent.iterdir()] == [toolbox.name]
    assert found.digest[:16] in toolbox.name
    for place, folders, names in os.walk(toolbox):
        assert stat.S_IMODE(Path(place).stat().st_mode) == 0o755
        for name in names:
            assert stat.S_IMODE(Path(place, name).stat().st_mode) in (0o644, 0o755)
        assert not [each for each in folders if Path(place, each).is_symlink()]


def test_tools_are_readable_whatever_our_umask_is(sandbox: Sandbox, readable: Path) -> None:
    before = os.umask(0o077)
    try:
        tools = build_toolbox(readable / "new", find_tools(readable / "new", {}))
    finally:
        os.umask(before)
    result = check(sandbox, tools, RUFF, {"a.py": "x = 1\n"}, "sarif")
    assert result.outcome is Outcome.PASSED


@pytest.mark.skipif(os.getuid() != 0, reason="only root has folders its checks can't read")
def test_tools_out_of_reach_are_said_with_the_cure(sandbox: Sandbox, readable: Path) -> None:
    private = readable / "private"
    (private / "tools").mkdir(parents=True)
    private.chmod(0o700)
    result = check(sandbox, private / "tools", ("true",))
    assert result.outcome is Outcome.BROKEN
    assert "let every user enter the folders above it" in result.summary
