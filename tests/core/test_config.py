"""`.intakebot.toml`: what it may say, and how a fault in it is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    assert (tests.timeout, tests.memory) == (300, 512 << 20)


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
        (b"[checks.a]\nrun = 'x'\nreport = '../x'", "must be a path inside"),
        (b"[checks.a]\nrun = 'x'\nreport = '/etc/x'", "must be a path inside"),
        (b"[checks.a]\nrun = 'x'\nparse = 'regex'", "has no group message and no group path"),
        (b"[checks.a]\nrun = 'x'\nparse = 'regex'\npattern = '(?=x)'", "not one of RE2"),
        (b"[checks.a]\nrun = 'x'\nparse = 'sarif'\npattern = 'x'", 'only parse = "regex" needs'),
        (b"[checks.A_B]\nrun = 'x'", "checks.A_B"),
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
        return read_config(text, tools=tools).checks[0].digest

    assert digest() == digest("# a comment") == digest("timeout = '10m'")
    changed = [
        digest("timeout = '9m'"),
        digest("memory = '2g'"),
        digest("parse = 'junit'"),
        digest("report = 'a.xml'"),
        digest(tools="newer"),
        read_config(b"[checks.a]\nrun = 'y'").checks[0].digest,
    ]
    assert len({digest(), *changed}) == 1 + len(changed)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_configuration_or_a_told_fault(data: bytes) -> None:
    try:
        read_config(data)
    except BadConfig as error:
        assert str(error).startswith(".intakebot.toml: ")
