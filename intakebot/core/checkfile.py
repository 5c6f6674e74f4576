"""How a check is written: in a repository's `.intakebot.toml`, and in a preset of `rules/presets`.

A preset is the checks of one kind of file. Each of its checks names the tools that it calls, and is
left out on a machine that lacks one of them.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from intakebot.core.line_pattern import BadPattern, LinePattern
from intakebot.model import CheckDefinition, OperatorError, ReportFormat

# Part of every definition digest: a change of what the sandbox lets in makes old results void.
SANDBOX_PROFILE = "2"
SIZES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
TIMES = {"s": 1, "m": 60, "h": 3600}
# Tests, and commands without a report, may say another thing the next time; linters don't.
MAY_VARY = ("none", "junit", "tap")

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Text = Annotated[str, Field(min_length=1, max_length=1000)]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]


class Check(BaseModel):
    """docs/configuration.md says what each key means."""

    model_config = ConfigDict(extra="forbid", strict=True)

    run: list[str] | str
    parse: Literal["none"] | ReportFormat = "none"
    pattern: str = ""
    report: str = "-"
    timeout: str = "10m"
    memory: str = "1g"
    env: dict[Variable, Annotated[str, Field(max_length=10_000)]] = {}
    when: list[Text] = []
    paths: list[Text] = []
    changed: bool = False
    needs: list[Name] = []
    required: bool = True
    tools: list[Text] = []
    retries: Annotated[int, Field(ge=0, le=3)] | None = None
    lines: Literal["added", "context", "file"] = "added"

    @field_validator("run")
    @classmethod
    def _not_empty(cls, value: list[str] | str) -> list[str] | str:
        if not value or value == [""]:
            raise ValueError('names no command; write for example run = ["pytest", "-q"]')
        return value

    @field_validator("report")
    @classmethod
    def _inside(cls, value: str) -> str:
        if value.startswith("/") or ".." in value.split("/"):
            raise ValueError("must be a path inside the repository")
        return value

    @field_validator("env")
    @classmethod
    def _without_nul(cls, value: dict[str, str]) -> dict[str, str]:
        if any("\0" in text for text in value.values()):
            raise ValueError("holds a NUL, which no variable can")
        return value

    @model_validator(mode="after")
    def _has_its_pattern(self) -> Check:
        if self.parse == "regex":
            try:
                LinePattern(self.pattern)
            except BadPattern as error:
                raise ValueError(str(error)) from error
        elif self.pattern:
            raise ValueError('has a pattern, which only parse = "regex" needs')
        return self

    @model_validator(mode="after")
    def _knows_its_files(self) -> Check:
        if self.changed and not self.when:
            raise ValueError('has changed = true, so `when` must say which files; e.g. ["*.py"]')
        return self

    @field_validator("timeout")
    @classmethod
    def _is_time(cls, value: str) -> str:
        measured_time(value)
        return value

    @field_validator("memory")
    @classmethod
    def _is_size(cls, value: str) -> str:
        measured_size(value)
        return value


Checks = dict[Name, Check]
Presets = Mapping[str, Mapping[str, Check]]


@dataclass(frozen=True, slots=True)
class Toolset:
    """What checks may call here: `names` are programs, `digest` names each one's version.

    `presets` are those that were shipped; their checks are part of the configuration by it.
    """

    digest: str = ""
    names: frozenset[str] = frozenset()
    presets: Presets = field(default_factory=dict)


def read_presets(files: Mapping[str, str]) -> Presets:
    """Name -> its checks, of the texts of `<name>.toml`. Raises OperatorError: file, key, fault."""
    return {name.removesuffix(".toml"): _preset(name, text) for name, text in files.items()}


def _preset(name: str, text: str) -> Checks:
    try:
        found = _PresetFile.model_validate(tomllib.loads(text)).checks
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise OperatorError(f"rules/presets/{name}: {error}") from error
    bare = sorted(check for check, made in found.items() if not (made.tools and made.when))
    if bare:
        raise OperatorError(
            f"rules/presets/{name}: {bare[0]}: a preset's check names its `tools` and its `when`"
        )
    return found


class _PresetFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    checks: Checks


def of_presets(wanted: Sequence[str], toolset: Toolset) -> Checks:
    """The checks of these presets ("auto": of all) whose tools are here.

    Raises ValueError for a name that there is not.
    """
    if not toolset.presets:  # the tools of another time: nobody knows what its presets were
        return {}
    unknown = [name for name in wanted if name not in (*toolset.presets, "auto")]
    if unknown:
        known = ", ".join(sorted(toolset.presets))
        raise ValueError(f"there is no preset {unknown[0]!r}; there are {known}, and auto for all")
    names = sorted(toolset.presets) if "auto" in wanted else list(dict.fromkeys(wanted))
    return {
        check: made
        for name in names
        for check, made in toolset.presets[name].items()
        if toolset.names.issuperset(made.tools)
    }


def definitions(checks: Mapping[str, Check], tools: str) -> tuple[CheckDefinition, ...]:
    """In an order in which what a check needs comes before it. Raises ValueError."""
    for name, check in checks.items():
        if unknown := [one for one in check.needs if one not in checks]:
            raise ValueError(f"checks.{name}.needs: there is no check {unknown[0]!r}")
    sorter = TopologicalSorter({name: sorted(checks[name].needs) for name in sorted(checks)})
    try:
        order = list(sorter.static_order())
    except CycleError as error:
        circle = " needs ".join(reversed(error.args[1]))
        raise ValueError(f"checks: {circle}, so none of them could ever start") from error
    return tuple(_definition(name, checks[name], tools) for name in order)


def _definition(name: str, check: Check, tools: str) -> CheckDefinition:
    run = ["sh", "-c", check.run] if isinstance(check.run, str) else check.run
    timeout, memory = measured_time(check.timeout), measured_size(check.memory)
    decides: list[object] = [
        *(run, check.parse, check.report, timeout, memory, tools, SANDBOX_PROFILE),
        *_more(check),
    ]
    retries = int(check.parse in MAY_VARY) if check.retries is None else check.retries
    return CheckDefinition(
        name=name,
        run=tuple(run),
        parse=check.parse,
        report=check.report,
        timeout=timeout,
        memory=memory,
        digest=hashlib.sha256(json.dumps(decides).encode()).hexdigest(),
        pattern=check.pattern,
        env=tuple(sorted(check.env.items())),
        when=tuple(check.when),
        paths=tuple(check.paths),
        changed=check.changed,
        needs=tuple(check.needs),
        required=check.required,
        tools=tuple(check.tools),
        lines=check.lines,
        retries=retries,
    )


def _more(check: Check) -> Iterator[object]:
    """What came later and is not said has no part in the digest: older results stay good."""
    if check.pattern:
        yield check.pattern
    if check.env:
        yield ["env", sorted(check.env.items())]
    if check.tools:
        yield ["tools", sorted(check.tools)]


def measured_time(text: str) -> int:
    """Seconds of "10m" and the like. Raises ValueError."""
    seconds = _measured(text, TIMES)
    if not 1 <= seconds <= 3600:
        raise ValueError('must lie between "1s" and "1h"')
    return seconds


def measured_size(text: str) -> int:
    """Bytes of "1g" and the like. Raises ValueError."""
    size = _measured(text, SIZES)
    if not (32 << 20) <= size <= (64 << 30):
        raise ValueError('must lie between "32m" and "64g"')
    return size


def _measured(text: str, units: dict[str, int]) -> int:
    match = re.fullmatch(r"([0-9]{1,9})([a-z])", text)
    if not match or match[2] not in units:
        known = ", ".join(units)
        raise ValueError(f"{text!r} is not a number and one of {known}")
    return int(match[1]) * units[match[2]]
