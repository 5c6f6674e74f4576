"""TAP, the Test Anything Protocol, versions 12 to 14: node, perl, bats and stylelint write it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from intakebot.checks.formats.reports import BadReport, inside, limited, message, number
from intakebot.model import Finding, Level

POINT = re.compile(r"^(?P<indent> *)(?P<not>not )?ok\b *(?P<number>\d{0,9}) *-? ?(?P<what>.*)$")
DIRECTIVE = re.compile(r"(?<!\\)# *(todo|skip)\b", re.IGNORECASE)
PLAN = re.compile(r"^1\.\.(\d{1,9})(?: *#.*)?$")
PLACE = re.compile(
    r"^\s*+(?:#\s*+)?(?:location:|at)\s++'?(?P<path>[^'\n]{1,400}?)"
    r"(?::(?P<line>\d{1,7}):\d{1,7}'?| line (?P<at>\d{1,7})\.?)$"
)
ERROR = re.compile(r"^\s*(?:error|message): *(?P<text>.+)$")
SHOWN = 3


@dataclass(slots=True)
class Point:
    failed: bool
    what: str
    about: list[str] = field(default_factory=list)


def parse(data: bytes) -> tuple[Finding, ...]:
    """One finding for each test that failed and was not expected to; outermost tests alone."""
    return limited(_finding(point) for point in points(data) if point.failed)


def points(data: bytes) -> list[Point]:
    text = data.decode("utf-8", "replace")
    planned: int | None = None
    found: list[Point] = []
    for line in re.split("\r?\n", text):
        if (plan := PLAN.match(line)) and planned is None:
            planned = int(plan[1])
        elif line.startswith("Bail out!"):
            raise BadReport(f"the tests gave up: {message(line)}", data)
        elif (point := POINT.match(line)) and not point["indent"]:
            found.append(_point(point))
        elif found:
            found[-1].about.append(line)
    if planned is None:
        raise BadReport('not a TAP report: it has no plan ("1..5")', data)
    if len(found) != planned:
        raise BadReport(f"cut off: {planned} tests were planned, and {len(found)} told of", data)
    if not data.endswith(b"\n") or (found and _is_open(found[-1])):
        raise BadReport("cut off in the middle of what it says of the last test", data)
    return found


def _is_open(point: Point) -> bool:
    """Whether its block of details never ended."""
    marks = [line.strip() for line in point.about]
    return "---" in marks and "..." not in marks


def _point(match: re.Match[str]) -> Point:
    expected = DIRECTIVE.search(match["what"])
    what = match["what"][: expected.start()] if expected else match["what"]
    return Point(bool(match["not"]) and not expected, what.strip())


def _finding(point: Point) -> Finding:
    path, line = _place(point)
    said = next((found["text"] for found in map(ERROR.match, point.about) if found), "")
    what = message(said.strip("'\"")) or "failed"
    return Finding(path, line, Level.ERROR, message(point.what), what, "tap")


def _place(point: Point) -> tuple[str, int]:
    for found in map(PLACE.match, map(str.rstrip, point.about)):
        path = inside(found["path"]) if found else None
        if found and path is not None:
            return path, number(found["line"] or found["at"])
    return inside(point.what) or message(point.what), 0


def summarise(data: bytes, found: Sequence[Finding]) -> str:
    """Such as: 1 of 3 tests failed: multiplies."""
    told = points(data)
    names = [point.what for point in told if point.failed]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    noun = "test" if len(told) == 1 else "tests"
    shown = ", ".join(message(name) for name in names[:SHOWN])
    return f"{len(names)} of {len(told)} {noun} failed: {shown}{more}"
