"""Reviewdog's diagnostics (RDFormat): one object, or one diagnostic a line (rdjsonl).

Columns of the format count bytes; what tools write mostly counts characters, and so do we.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pydantic import BaseModel, TypeAdapter

from intakebot.checks.formats.reports import as_json, inside, limited, message, shaped
from intakebot.model import Finding, Fix, Level

WHAT = "an RDFormat report"
LEVELS: Mapping[str, Level] = {
    "ERROR": Level.ERROR,
    "WARNING": Level.WARNING,
    "INFO": Level.NOTE,
    "1": Level.ERROR,
    "2": Level.WARNING,
    "3": Level.NOTE,
}


class Position(BaseModel):
    line: int = 0
    column: int = 0


class Range(BaseModel):
    start: Position = Position()
    end: Position | None = None


class Location(BaseModel):
    path: str
    range: Range = Range()


class Suggestion(BaseModel):
    range: Range
    text: str = ""


class Code(BaseModel):
    value: str = ""


class Source(BaseModel):
    name: str = ""


class Diagnostic(BaseModel):
    message: str
    location: Location
    severity: str | int | None = None
    source: Source | None = None
    code: Code | None = None
    suggestions: list[Suggestion] | None = None


class Result(BaseModel):
    diagnostics: list[Diagnostic]
    source: Source | None = None
    severity: str | int | None = None


RESULT, DIAGNOSTIC = TypeAdapter(Result), TypeAdapter(Diagnostic)


def parse(data: bytes) -> tuple[Finding, ...]:
    result = shaped(RESULT, as_json(data, WHAT), data, WHAT)
    return limited(_findings(result.diagnostics, result.source, result.severity))


def parse_lines(data: bytes) -> tuple[Finding, ...]:
    """Nothing at all is a report without findings."""
    lines = [line for line in data.split(b"\n") if line.strip()]
    if len(lines) > 1 and not data.endswith(b"\n"):
        as_json(lines[-1], WHAT)  # cut off in the middle, where it is
    read = (shaped(DIAGNOSTIC, as_json(line, WHAT), data, WHAT) for line in lines)
    return limited(_findings(read, None, None))


def _findings(
    diagnostics: Iterable[Diagnostic], source: Source | None, severity: str | int | None
) -> Iterator[Finding]:
    for one in diagnostics:
        path = inside(one.location.path)
        if path is None:
            continue
        where = one.location.range
        said = one.severity if one.severity is not None else severity
        tool = one.source or source
        yield Finding(
            path,
            max(where.start.line, 0),
            LEVELS.get(str(said), Level.WARNING),
            message(one.code.value if one.code else ""),
            message(one.message),
            message(tool.name if tool else ""),
            max(where.start.column, 0),
            max(where.end.line if where.end else 0, 0),
            _fix(one.suggestions or ()),
        )


def _fix(suggestions: Iterable[Suggestion]) -> Fix | None:
    """The only one there is, where it says exactly what to replace."""
    match list(suggestions):
        case [Suggestion(range=Range(start=start, end=Position() as end), text=text)]:
            places = (start.line, start.column, end.line, end.column)
            return Fix(*places, text) if min(places) > 0 else None
        case _:
            return None
