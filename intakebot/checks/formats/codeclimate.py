"""Code Climate's issues: GitLab's array of them, or an engine's stream, each ended with a NUL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from pydantic import BaseModel, Field, TypeAdapter

from intakebot.checks.formats.reports import BadReport, as_json, inside, limited, message, shaped
from intakebot.model import Finding, Level

WHAT = "a Code Climate report"
LEVELS: Mapping[str, Level] = {
    "blocker": Level.ERROR,
    "critical": Level.ERROR,
    "major": Level.ERROR,
    "minor": Level.WARNING,
    "info": Level.NOTE,
}


class Point(BaseModel):
    line: int = 0
    column: int = 0


class Points(BaseModel):
    begin: Point
    end: Point | None = None


class Lines(BaseModel):
    begin: int
    end: int | None = None


class Location(BaseModel):
    path: str
    lines: Lines | None = None
    positions: Points | None = None


class Issue(BaseModel):
    type: str = "issue"
    check: str = Field(default="", alias="check_name")
    description: str
    severity: str = ""
    location: Location


SHAPE = TypeAdapter(list[Issue])


def parse(data: bytes) -> tuple[Finding, ...]:
    return limited(_findings(shaped(SHAPE, _issues(data), data, WHAT)))


def _issues(data: bytes) -> object:
    if data.lstrip()[:1] == b"[":
        return as_json(data, WHAT)
    values = [value for part in data.split(b"\0") for value in _values(part, data)]
    if not values and data.strip(b"\0 \n"):
        raise BadReport(f"not {WHAT}: neither a list nor a stream of issues", data)
    # An engine may say how it measured, beside what it found.
    return [one for one in values if not isinstance(one, dict) or one.get("type") != "measurement"]


def _values(part: bytes, data: bytes) -> Iterator[object]:
    """Some engines put no NUL but a blank between two."""
    decoder = json.JSONDecoder()
    try:
        text = part.decode("utf-8").strip()
        while text:
            value, end = decoder.raw_decode(text)
            yield value
            text = text[end:].lstrip()
    except (ValueError, RecursionError) as error:
        raise BadReport(f"not {WHAT}: not whole JSON ({error})", data) from error


def _findings(issues: list[Issue]) -> Iterator[Finding]:
    for issue in issues:
        path = inside(issue.location.path)
        if path is None:
            continue
        line, column, end = _place(issue.location)
        yield Finding(
            path,
            max(line, 0),
            LEVELS.get(issue.severity, Level.WARNING),
            message(issue.check),
            message(issue.description.removeprefix(f"{issue.check}: ")),
            column=max(column, 0),
            end_line=max(end, 0),
        )


def _place(location: Location) -> tuple[int, int, int]:
    if location.positions is not None:
        begin, end = location.positions.begin, location.positions.end
        return begin.line, begin.column, end.line if end else 0
    if location.lines is not None:
        return location.lines.begin, 0, location.lines.end or 0
    return 0, 0, 0
