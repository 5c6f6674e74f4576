"""JUnit XML as pytest, jest, PHPUnit and others write it. There is no standard, only habit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from intakebot.checks.formats import xml
from intakebot.checks.formats.reports import inside, limited, message, number
from intakebot.model import Finding, Level

PROBLEMS = ("failure", "error")
# "tests/test_prices.py:7: AssertionError", and Python's 'File "tests/test_prices.py", line 7'.
ADDRESS = re.compile(r"0x[0-9a-f]{6,16}\b")
FRAME = re.compile(
    r'^(?P<path>[^\s:"][^:"\n]{0,400}\.\w{1,10}):(?P<line>\d{1,7}):'
    r'|^ *File "(?P<file>[^"\n]{1,400})", line (?P<at>\d{1,7})',
    re.MULTILINE,
)
SHOWN = 3


def parse(data: bytes) -> tuple[Finding, ...]:
    """One finding for each failure and error, at most MAX_FINDINGS."""
    return limited(finding(case, problem) for case in cases(data) for problem in problems(case))


def cases(data: bytes) -> list[Element]:
    return list(xml.read(data, "a JUnit report", ("testsuites", "testsuite")).iter("testcase"))


def problems(case: Element) -> Iterator[Element]:
    return (child for child in case if child.tag in PROBLEMS)


def finding(case: Element, problem: Element) -> Finding:
    path, line = place(case, problem.text or "")
    what = one_line(message(problem.get("message", "") or problem.text or problem.tag))
    return Finding(path, line, Level.ERROR, message(case.get("name", "")), what, "junit")


def one_line(text: str) -> str:
    """Without memory addresses: they change with each run, and the fault stays the same."""
    return ADDRESS.sub("0x…", " ".join(text.split()))


def place(case: Element, text: str) -> tuple[str, int]:
    """The last line of the traceback inside the tree; else what the report says; else line 0."""
    for match in reversed(list(FRAME.finditer(text))):
        path = inside(match["path"] or match["file"])
        if path is not None:
            return path, int(match["line"] or match["at"])
    path = inside(case.get("file", ""))
    if path is not None:
        return path, number(case.get("line", ""))
    return message(case.get("classname") or case.get("name") or ""), 0


def summarise(data: bytes, found: Sequence[Finding]) -> str:
    """Such as: 1 of 3 tests failed: test_prices.py: test_total."""
    tests = cases(data)
    failed = sum(any(True for _ in problems(case)) for case in tests)
    names = list(dict.fromkeys(f"{each.path.split('/')[-1]}: {each.rule}" for each in found))
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    noun = "test" if len(tests) == 1 else "tests"
    return f"{failed} of {len(tests)} {noun} failed: {', '.join(names[:SHOWN])}{more}"
