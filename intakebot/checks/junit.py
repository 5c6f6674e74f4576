"""JUnit XML as pytest, jest, PHPUnit and others write it. There is no standard, only habit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

# No entities and no DTD reach the parser: Careful refuses the document at its DOCTYPE.
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from intakebot.checks.reports import MAX_FINDINGS, BadReport, inside, message
from intakebot.model import Finding, Level

MAX_DEPTH = 50
PROBLEMS = ("failure", "error")
# "tests/test_prices.py:7: AssertionError", and Python's 'File "tests/test_prices.py", line 7'.
ADDRESS = re.compile(r"0x[0-9a-f]{6,16}\b")
FRAME = re.compile(
    r'^(?P<path>[^\s:"][^:"\n]{0,400}\.\w{1,10}):(?P<line>\d{1,7}):'
    r'|^ *File "(?P<file>[^"\n]{1,400})", line (?P<at>\d{1,7})',
    re.MULTILINE,
)
SHOWN = 3


class Refused(Exception):
    pass


class Careful(TreeBuilder):
    depth = 0

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise Refused("it has a DOCTYPE, which reports don't need")

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Refused(f"its elements are more than {MAX_DEPTH} deep")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self.depth -= 1
        return super().end(tag)


def parse(data: bytes) -> tuple[Finding, ...]:
    """One finding for each failure and error, at most MAX_FINDINGS."""
    found: list[Finding] = []
    for case in cases(data):
        found += (finding(case, problem) for problem in problems(case))
    return tuple(found[:MAX_FINDINGS])


def cases(data: bytes) -> list[Element]:
    parser = XMLParser(target=Careful())  # noqa: S314
    try:
        parser.feed(data)
        root = parser.close()
    except (ParseError, Refused, ValueError, LookupError) as error:
        raise BadReport(f"not a JUnit report: {error}", data) from error
    if root.tag not in ("testsuites", "testsuite"):
        raise BadReport(f"not a JUnit report: its root is <{message(root.tag)}>", data)
    return list(root.iter("testcase"))


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
    line = case.get("line", "")
    if path is not None:
        return path, int(line) if re.fullmatch(r"[0-9]{1,7}", line) else 0
    return message(case.get("classname") or case.get("name") or ""), 0


def summarise(data: bytes, found: Sequence[Finding]) -> str:
    """Such as: 1 of 3 tests failed: test_prices.py: test_total."""
    tests = cases(data)
    failed = sum(any(True for _ in problems(case)) for case in tests)
    names = list(dict.fromkeys(f"{each.path.split('/')[-1]}: {each.rule}" for each in found))
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    noun = "test" if len(tests) == 1 else "tests"
    return f"{failed} of {len(tests)} {noun} failed: {', '.join(names[:SHOWN])}{more}"
