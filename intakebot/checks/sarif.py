"""SARIF 2.1.0, the linters' common format (OASIS, sarif-v2.1.0)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from pydantic import BaseModel, Field, ValidationError

from intakebot.checks.reports import MAX_FINDINGS, BadReport, inside, message
from intakebot.model import Finding, Level

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
    start_line: int = Field(default=0, alias="startLine", ge=0)


class Physical(BaseModel):
    artifact: Artifact = Field(default=Artifact(), alias="artifactLocation")
    region: Region = Field(default=Region())


class Location(BaseModel):
    physical: Physical | None = Field(default=None, alias="physicalLocation")


class Result(BaseModel):
    rule: str = Field(default="", alias="ruleId")
    level: str | None = None
    message: Message
    locations: list[Location] = []


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


class Run(BaseModel):
    tool: Tool
    results: list[Result] | None = None


class Log(BaseModel):
    version: str
    runs: list[Run]


def parse(data: bytes) -> tuple[Finding, ...]:
    """At most MAX_FINDINGS, in the report's order; places outside the tree are left out."""
    try:
        log = Log.model_validate(json.loads(data))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadReport(f"not a SARIF report: {place}: {first['msg']}", data) from error
    except (ValueError, RecursionError) as error:
        raise BadReport(f"not whole JSON ({error})", data) from error
    if not log.version.startswith("2.1"):
        raise BadReport(f"SARIF version {log.version!r}, not 2.1", data)
    found = (finding for run in log.runs for finding in findings(run))
    return tuple(finding for finding, _ in zip(found, range(MAX_FINDINGS), strict=False))


def findings(run: Run) -> Iterator[Finding]:
    driver = run.tool.driver
    defaults = {rule.id: rule.default.level for rule in driver.rules}
    for result in run.results or ():
        physical = result.locations[0].physical if result.locations else None
        path = inside(physical.artifact.uri) if physical else None
        if physical is None or path is None:
            continue
        level = result.level or defaults.get(result.rule, "warning")
        yield Finding(
            path,
            physical.region.start_line,
            LEVELS.get(level, Level.WARNING),
            message(result.rule),
            message(result.message.text),
            message(driver.name),
        )


def summarise(data: bytes, found: Sequence[Finding]) -> str:
    return "1 problem found" if len(found) == 1 else f"{len(found)} problems found"
