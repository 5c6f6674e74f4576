"""SARIF 2.1.0, the linters' common format (OASIS, sarif-v2.1.0)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, Field, TypeAdapter

from intakebot.checks.formats.reports import (
    BadReport,
    as_json,
    inside,
    limited,
    message,
    shaped,
)
from intakebot.model import Finding, Fix, Level

LEVELS = {
    "error": Level.ERROR,
    "warning": Level.WARNING,
    "note": Level.NOTE,
    "none": Level.NOTE,
}


class Message(BaseModel):
    text: str = ""


class Artifact(BaseModel):
    uri: str = ""


class Region(BaseModel):
    line: int = Field(default=0, alias="startLine", ge=0)
    column: int = Field(default=0, alias="startColumn", ge=0)
    end_line: int = Field(default=0, alias="endLine", ge=0)
    end_column: int = Field(default=0, alias="endColumn", ge=0)


class Physical(BaseModel):
    artifact: Artifact = Field(default=Artifact(), alias="artifactLocation")
    region: Region = Field(default=Region())


class Location(BaseModel):
    physical: Physical | None = Field(default=None, alias="physicalLocation")


class Replacement(BaseModel):
    deleted: Region = Field(alias="deletedRegion")
    inserted: Message = Field(default=Message(), alias="insertedContent")


class Changes(BaseModel):
    artifact: Artifact = Field(alias="artifactLocation")
    replacements: list[Replacement]


class Repair(BaseModel):
    changes: list[Changes] = Field(alias="artifactChanges")


class RuleIndex(BaseModel):
    id: str = ""


class Result(BaseModel):
    rule: str = Field(default="", alias="ruleId")
    named: RuleIndex | None = Field(default=None, alias="rule")
    level: str | None = None
    kind: str = "fail"
    message: Message
    locations: list[Location] = []
    fixes: list[Repair] | None = None
    suppressions: list[object] | None = None


class Configuration(BaseModel):
    level: str = "warning"


class Rule(BaseModel):
    id: str
    default: Configuration = Field(default=Configuration(), alias="defaultConfiguration")


class Driver(BaseModel):
    name: str
    rules: list[Rule] = []


class Tool(BaseModel):
    driver: Driver
    extensions: list[Driver] = []


class Run(BaseModel):
    tool: Tool
    results: list[Result] | None = None


class Log(BaseModel):
    version: str
    runs: list[Run]


SHAPE, WHAT = TypeAdapter(Log), "a SARIF report"


def parse(data: bytes) -> tuple[Finding, ...]:
    """At most MAX_FINDINGS, in the report's order; places outside the tree are left out."""
    log = shaped(SHAPE, as_json(data, WHAT), data, WHAT)
    if not log.version.startswith("2.1"):
        raise BadReport(f"SARIF version {log.version!r}, not 2.1", data)
    return limited(finding for run in log.runs for finding in findings(run))


def findings(run: Run) -> Iterator[Finding]:
    """Without what the tool itself says passed, or that somebody has suppressed in its sight."""
    driver = run.tool.driver
    rules = (rule for part in (*run.tool.extensions, driver) for rule in part.rules)
    defaults = {rule.id: rule.default.level for rule in rules}
    for result in run.results or ():
        physical = result.locations[0].physical if result.locations else None
        path = inside(physical.artifact.uri) if physical else None
        if physical is None or path is None or result.suppressions or result.kind == "pass":
            continue
        rule = result.rule or (result.named.id if result.named else "")
        level = result.level or defaults.get(rule, "warning")
        yield Finding(
            path,
            physical.region.line,
            LEVELS.get(level, Level.WARNING),
            message(rule),
            message(result.message.text),
            message(driver.name),
            physical.region.column,
            physical.region.end_line,
            fix_of(result.fixes or (), path),
        )


def fix_of(repairs: Sequence[Repair], path: str) -> Fix | None:
    """The first of them, where it is one replacement in the file itself."""
    match [repair.changes for repair in repairs[:1]]:
        case [[Changes(artifact=artifact, replacements=[one])]] if inside(artifact.uri) == path:
            at = one.deleted
            end_line = at.end_line or at.line
            places = (at.line, at.column or 1, end_line, at.end_column or 0)
            return Fix(*places, one.inserted.text) if min(places) > 0 else None
        case _:
            return None
