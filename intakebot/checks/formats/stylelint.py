"""stylelint's JSON (`--formatter json`), which it writes to standard error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel, Field, TypeAdapter

from intakebot.checks.formats.reports import as_json, inside, limited, message, shaped
from intakebot.model import Finding, Level

WHAT = "a stylelint report"
LEVELS: Mapping[str, Level] = {"error": Level.ERROR, "warning": Level.WARNING}


class Warning_(BaseModel):
    line: int = 0
    column: int = 0
    end_line: int = Field(default=0, alias="endLine")
    rule: str = ""
    severity: str = "error"
    text: str


class Parsing(BaseModel):
    line: int = 0
    column: int = 0
    text: str


class File(BaseModel):
    source: str | None = None
    warnings: list[Warning_]
    parsing: list[Parsing] = Field(default=[], alias="parseErrors")


SHAPE = TypeAdapter(list[File])


def parse(data: bytes) -> tuple[Finding, ...]:
    return limited(_findings(shaped(SHAPE, as_json(data, WHAT), data, WHAT)))


def _findings(files: list[File]) -> Iterator[Finding]:
    for file in files:
        path = inside(file.source or "")
        if path is None:
            continue
        for broken in file.parsing:
            text = message(broken.text)
            yield Finding(path, max(broken.line, 0), Level.ERROR, "parse", text, "stylelint")
        for one in file.warnings:
            yield Finding(
                path,
                max(one.line, 0),
                LEVELS.get(one.severity, Level.WARNING),
                message(one.rule),
                message(_without_rule(one.text, one.rule)),
                "stylelint",
                max(one.column, 0),
                max(one.end_line, 0),
            )


def _without_rule(text: str, rule: str) -> str:
    """It names the rule once more at the end of each text."""
    return text.removesuffix(f" ({rule})")
