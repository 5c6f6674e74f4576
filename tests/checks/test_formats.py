"""Reports as tools write them, and as strangers may."""

from __future__ import annotations

import json

import pytest

from intakebot.checks.formats import FORMATS, NAMES, BadReport, summarise
from intakebot.model import Level

RESULT = {
    "ruleId": "E501",
    "message": {"text": "line too long"},
    "locations": [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "src/a.py"},
                "region": {"startLine": 7},
            }
        }
    ],
}


def sarif(*results: object, rules: object = ()) -> bytes:
    driver = {"name": "lint", "rules": list(rules)} if isinstance(rules, list) else {"name": "lint"}
    return json.dumps(
        {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": list(results)}]}
    ).encode()


def at(uri: str) -> dict[str, object]:
    place: object = {"physicalLocation": {"artifactLocation": {"uri": uri}}}
    return {**RESULT, "locations": [place]}


def junit(body: str) -> bytes:
    return f"<testsuites><testsuite>{body}</testsuite></testsuites>".encode()


def test_each_format_that_a_configuration_may_name_can_be_read() -> None:
    assert {*FORMATS, "regex"} == set(NAMES)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("src/a.py", "src/a.py"),
        ("./src/a.py", "src/a.py"),
        ("file:///work/src/a%20b.py", "src/a b.py"),
        ("/work/a.py", "a.py"),
        ("a/../b.py", "b.py"),
    ],
)
def test_paths_are_relative_to_the_tree(uri: str, path: str) -> None:
    assert [each.path for each in FORMATS["sarif"](sarif(at(uri)))] == [path]


@pytest.mark.parametrize(
    "uri",
    ["/etc/passwd", "../x.py", "file:///usr/lib/x.py", "a/../../x", "/workshop/a", "", "a\x1bb"],
)
def test_places_outside_the_tree_are_left_out(uri: str) -> None:
    assert FORMATS["sarif"](sarif(at(uri))) == ()


def test_a_sarif_result_takes_its_level_from_itself_or_its_rule_or_is_a_warning() -> None:
    rules = [{"id": "N1", "defaultConfiguration": {"level": "note"}}]
    data = sarif(RESULT | {"level": "error"}, RESULT | {"ruleId": "N1"}, RESULT, rules=rules)
    levels = [each.level for each in FORMATS["sarif"](data)]
    assert levels == [Level.ERROR, Level.NOTE, Level.WARNING]


def test_a_long_list_of_findings_is_cut() -> None:
    assert len(FORMATS["sarif"](sarif(*[RESULT] * 3000))) == 2000


def test_messages_lose_control_characters_and_excess() -> None:
    text = "\x1b[31mbad\x1b[0m \u202eevil\ud800 " + "x" * 5000
    [found] = FORMATS["sarif"](sarif(RESULT | {"message": {"text": text}}))
    assert found.message.startswith("bad evil x")
    assert len(found.message) == 2000


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"{}",
        b'{"version": "2.1.0", "runs": [{"tool"',
        b'{"version": "1.0.0", "runs": []}',
        b'{"version": "2.1.0", "runs": 3}',
        b"[" * 100_000,
        b"\xff\xfe\x00",
        sarif(RESULT | {"message": "text"}),
    ],
)
def test_what_is_no_sarif_report_is_refused(data: bytes) -> None:
    with pytest.raises(BadReport, match="It begins:"):
        FORMATS["sarif"](data)


ENTITIES = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><testsuites>&c;</testsuites>'


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"plain text",
        b"<testsuites><testsuite>",
        b"<html></html>",
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><testsuites/>',
        ENTITIES.encode(),
        ENTITIES.encode("utf-16"),
        b"<testsuites>&undefined;</testsuites>",
        b"<testsuites>" + b"<a>" * 100_000,
        b'<?xml version="1.0" encoding="no-such-code"?><testsuites/>',
    ],
)
def test_what_is_no_junit_report_is_refused(data: bytes) -> None:
    with pytest.raises(BadReport, match="It begins:"):
        FORMATS["junit"](data)


def test_a_failure_lies_on_the_last_line_of_its_traceback_inside_the_tree() -> None:
    trace = (
        "tests/test_a.py:4: \n_ _ _\nsrc/a.py:12: in total\n    raise ValueError\n"
        "/usr/lib/python3/json.py:3: ValueError"
    )
    data = junit(f'<testcase name="t"><failure message="boom">{trace}</failure></testcase>')
    [found] = FORMATS["junit"](data)
    assert (found.place, found.message, found.rule) == ("src/a.py:12", "boom", "t")


def test_a_python_traceback_is_understood() -> None:
    trace = 'Traceback:\n  File "/work/a.py", line 3, in f\n  File "/usr/x.py", line 1, in g'
    data = junit(f"<testcase name='t'><error>{trace}</error></testcase>")
    assert [each.place for each in FORMATS["junit"](data)] == ["a.py:3"]


def test_without_a_traceback_the_reports_own_place_counts() -> None:
    data = junit('<testcase name="t" file="spec/cart.js" line="8"><failure/></testcase>')
    assert [each.place for each in FORMATS["junit"](data)] == ["spec/cart.js:8"]


def test_a_failure_without_a_place_is_kept_on_line_0() -> None:
    data = junit('<testcase name="adds" classname="Cart"><failure message="no"/></testcase>')
    [found] = FORMATS["junit"](data)
    assert (found.path, found.line) == ("Cart", 0)


def test_a_sentence_names_three_failed_tests_and_counts_the_rest() -> None:
    failed = "".join(f'<testcase name="t{n}" file="a.py"><failure/></testcase>' for n in range(5))
    data = junit(failed + '<testcase name="good"/>')
    sentence = summarise("junit", data, FORMATS["junit"](data))
    assert sentence == "5 of 6 tests failed: a.py: t0, a.py: t1, a.py: t2 and 2 more"


def test_a_test_that_fails_twice_is_one_test() -> None:
    data = junit('<testcase name="t" file="a.py"><failure/><error/></testcase>')
    sentence = summarise("junit", data, FORMATS["junit"](data))
    assert sentence == "1 of 1 test failed: a.py: t"


def test_a_failure_that_is_the_same_again_reads_the_same_again() -> None:
    def told(address: str) -> str:
        text = f"assert 0 == 350&#10; +  where 0 = &lt;function ship at {address}&gt;(500)"
        data = junit(f'<testcase name="t"><failure message="{text}"/></testcase>')
        [found] = FORMATS["junit"](data)
        return found.message

    assert told("0x7f55ae781f80") == told("0x7f9911aa0010")
    assert told("0x7f55ae781f80") == "assert 0 == 350 + where 0 = <function ship at 0x…>(500)"
