"""ESLint's JSON (`--format json`). Fixes are ranges of UTF-16 units in the file's `source`, which
is in the report only where something was wrong with the file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from pydantic import BaseModel, Field, TypeAdapter

from intakebot.checks.formats.reports import as_json, inside, limited, message, shaped
from intakebot.model import Finding, Fix, Level

WHAT = "an ESLint report"


class Edit(BaseModel):
    range: tuple[int, int]
    text: str


class Message(BaseModel):
    rule: str | None = Field(default=None, alias="ruleId")
    severity: int
    message: str
    line: int = 0
    column: int = 0
    end_line: int | None = Field(default=None, alias="endLine")
    fix: Edit | None = None


class File(BaseModel):
    path: str = Field(alias="filePath")
    messages: list[Message]
    source: str | None = None


SHAPE = TypeAdapter(list[File])


def parse(data: bytes) -> tuple[Finding, ...]:
    return limited(_findings(shaped(SHAPE, as_json(data, WHAT), data, WHAT)))


def _findings(files: list[File]) -> Iterator[Finding]:
    for file in files:
        path = inside(file.path)
        if path is None:
            continue
        places = Places.of(file.source) if file.source is not None else None
        for one in file.messages:
            yield Finding(
                path,
                max(one.line, 0),
                Level.ERROR if one.severity == 2 else Level.WARNING,
                message(one.rule or ""),
                message(one.message),
                "eslint",
                max(one.column, 0),
                max(one.end_line or 0, 0),
                places.fix(one.fix) if places and one.fix else None,
            )


@dataclass(frozen=True, slots=True)
class Places:
    """Where the UTF-16 units of a source are. `units` counts those before each character, and
    `lines` has the index of each line's first character."""

    units: Sequence[int]
    lines: Sequence[int]

    @staticmethod
    def of(source: str) -> Places:
        widths = (2 if character > "\uffff" else 1 for character in source)
        lines = [0, *(index + 1 for index, character in enumerate(source) if character == "\n")]
        return Places(list(accumulate(widths, initial=0)), lines)

    def fix(self, edit: Edit) -> Fix | None:
        """None for a range that is outside, or in the middle of a character."""
        start, end = edit.range
        if not 0 <= start <= end <= self.units[-1]:
            return None
        first, last = (bisect_right(self.units, unit) - 1 for unit in (start, end))
        if (self.units[first], self.units[last]) != (start, end):
            return None
        return Fix(*self._place(first), *self._place(last), edit.text)

    def _place(self, index: int) -> tuple[int, int]:
        line = bisect_right(self.lines, index)
        return line, index - self.lines[line - 1] + 1
