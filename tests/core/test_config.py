"""`.intakebot.toml`: what it may say, and how a fault in it is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intakebot.core.checkfile import Toolset, read_presets
from intakebot.core.config import BadConfig, read_config
from intakebot.model import Config

FULL = b"""
[review]
approvals = 2
same_agency = true
[merge]
promote = "by-command"
[protect]
paths = ["ops/"]
[limits]
lines = 50
[checks.tests]
run = "make test"
parse = "junit"
report = "out/tests.xml"
timeout = "5m"
memory = "512m"
disk = "8g"
[checks.lint]
run = ["ruff", "check"]
"""


def test_a_branch_without_the_file_has_the_defaults_and_no_checks() -> None:
    assert read_config(None) == read_config(b"")
    assert read_config(None).checks == ()
    assert read_config(None).protected == Config().protected


def test_everything_it_says_is_taken() -> None:
    found = read_config(FULL)
    assert (found.approvals, found.same_agency_may_approve) == (2, True)
    assert found.promote == "by-command"
    assert found.protected[-1] == "ops/" and ".intakebot.toml" in found.protected
    assert found.limits == {"lines": 50, "files": 30}
    lint, tests = found.checks
    assert lint.run == ("ruff", "check")
    assert tests.run == ("sh", "-c", "make test")
    assert (tests.timeout, tests.memory, tests.disk) == (300, 512 << 20, 8 << 30)
    assert lint.disk == 0


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"[review]\naprovals = 2", "review.aprovals: there is no such key"),
        (b"[review]\napprovals = '2'", "review.approvals: Input should be a valid integer"),
        (b"[review]\napprovals = true", "review.approvals"),
        (b"[review]\napprovals = -1", "greater than or equal to 0"),
        (b"[merge]\npromote = 'later'", "merge.promote: Input should be 'at-once' or 'by-command'"),
        (b"[checks.a]\nrun = []", "names no command"),
        (b"[checks.a]\nparse = 'xml'\nrun = 'x'", "checks.a.parse"),
        (b"[checks.a]\nrun = 'x'\ntimeout = '5'", "timeout: '5' is not a number and one of s, m"),
        (b"[checks.a]\nrun = 'x'\ntimeout = '9h'", 'between "1s" and "1h"'),
        (b"[checks.a]\nrun = 'x'\nmemory = '1m'", 'between "32m" and "64g"'),
        (b"[checks.a]\nrun = 'x'\ndisk = ''", "disk: '' is not a number and one of k, m, g"),
        (b"[checks.a]\nrun = 'x'\nreport = '../x'", "must be a path inside"),
        (b"[checks.a]\nrun = 'x'\nreport = '/etc/x'", "must be a path inside"),
        (b"[checks.a]\nrun = 'x'\nparse = 'regex'", "has no group message and no group path"),
        (b"[checks.a]\nrun = 'x'\nparse = 'regex'\npattern = '(?=x)'", "not one of RE2"),
        (b"[checks.a]\nrun = 'x'\nparse = 'sarif'\npattern = 'x'", 'only parse = "regex" needs'),
        (b"[checks.A_B]\nrun = 'x'", "checks.A_B"),
        (b"[checks.a]\nrun = 'x'\nneeds = ['b']", "checks.a.needs: there is no check 'b'"),
        (b"[checks.a]\nrun = 'x'\nneeds = ['a']", "checks: a needs a, so none of them could"),
        (b"[checks.a]\nrun = 'x'\nchanged = true", "so `when` must say which files"),
        (b"[checks.a]\nrun = 'x'\nretries = 9", "checks.a.retries"),
        (b"[checks.a]\nrun = 'x'\nenv = { 'A=B' = 'x' }", "checks.a.env"),
        (b"[checks.a]\nrun = 'x'\nenv = { A = \"\\u0000\" }", "holds a NUL"),
        (b"[review\n", "not TOML"),
        (b"a = " + b"[" * 20_000, "nests too deep"),
        (b"\xff\xfe", "byte 0 is not UTF-8"),
    ],
)
def test_a_fault_names_file_key_and_cure(text: bytes, fault: str) -> None:
    with pytest.raises(BadConfig) as refused:
        read_config(text)
    assert str(refused.value).startswith(".intakebot.toml: ")
    assert fault in str(refused.value)


def test_whatever_decides_a_result_changes_the_digest_and_nothing_else_does() -> None:
    def digest(extra: str = "", tools: str = "") -> str:
        text = f"[checks.a]\nrun = 'x'\n{extra}".encode()
        return read_config(text, Toolset(tools)).checks[0].digest

    assert digest() == digest("# a comment") == digest("timeout = '10m'")
    changed = [
        digest("timeout = '9m'"),
        digest("memory = '2g'"),
        digest("disk = '2g'"),
        digest("parse = 'junit'"),
        digest("report = 'a.xml'"),
        digest(tools="newer"),
        read_config(b"[checks.a]\nrun = 'y'").checks[0].digest,
    ]
    assert len({digest(), *changed}) == 1 + len(changed)


WITH_RUFF = Toolset(
    "tools",
    frozenset({"ruff"}),
    read_presets(
        {
            "python.toml": "[checks.ruff]\nrun = 'ruff check'\ntools = ['ruff']\nwhen = ['*.py']",
            "php.toml": "[checks.php]\nrun = 'php -l'\ntools = ['php']\nwhen = ['*.php']",
        }
    ),
)


def test_presets_give_the_checks_whose_tools_are_here() -> None:
    def names(text: bytes) -> list[str]:
        return [check.name for check in read_config(text, WITH_RUFF).checks]

    assert names(b"") == []
    assert names(b"presets = 'auto'") == ["ruff"]
    assert names(b"presets = ['php', 'python']") == ["ruff"]
    assert names(b"presets = ['php']") == []


def test_a_check_of_the_repository_takes_the_place_of_a_presets() -> None:
    text = b"presets = 'auto'\n[checks.ruff]\nrun = 'mine'\n"
    assert [check.run[-1] for check in read_config(text, WITH_RUFF).checks] == ["mine"]


def test_a_preset_that_there_is_not_is_told_with_those_that_there_are() -> None:
    with pytest.raises(BadConfig, match=r"no preset 'ruby'; there are php, python, and auto"):
        read_config(b"presets = ['ruby']", WITH_RUFF)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_configuration_or_a_told_fault(data: bytes) -> None:
    try:
        read_config(data)
    except BadConfig as error:
        assert str(error).startswith(".intakebot.toml: ")
