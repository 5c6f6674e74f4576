"""`.intakebot.toml`: what a repository asks of its changes. Read from the target branch only."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from intakebot.core.line_pattern import BadPattern, LinePattern
from intakebot.model import CheckDefinition, Config, Method, OperatorError, ReportFormat

NAME = ".intakebot.toml"
# Part of every definition digest: a change of what the sandbox lets in makes old results void.
SANDBOX_PROFILE = "1"
SIZES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
TIMES = {"s": 1, "m": 60, "h": 3600}


class BadConfig(OperatorError):
    """File, key, fault, cure."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Review(_Part):
    approvals: Annotated[int, Field(ge=0, le=20)] = 1
    same_agency: bool = False


class _Merge(_Part):
    promote: Literal["at-once", "by-command"] = "at-once"
    method: Method = "merge"


class _Protect(_Part):
    paths: list[str] = []


class _Limits(_Part):
    lines: Annotated[int, Field(ge=1)] = 400
    files: Annotated[int, Field(ge=1)] = 30


class _Check(_Part):
    run: list[str] | str
    parse: Literal["none"] | ReportFormat = "none"
    pattern: str = ""
    report: str = "-"
    timeout: str = "10m"
    memory: str = "1g"

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

    @model_validator(mode="after")
    def _has_its_pattern(self) -> _Check:
        if self.parse == "regex":
            try:
                LinePattern(self.pattern)
            except BadPattern as error:
                raise ValueError(str(error)) from error
        elif self.pattern:
            raise ValueError('has a pattern, which only parse = "regex" needs')
        return self

    @field_validator("timeout")
    @classmethod
    def _is_time(cls, value: str) -> str:
        if not 1 <= _measured(value, TIMES) <= 3600:
            raise ValueError('must lie between "1s" and "1h"')
        return value

    @field_validator("memory")
    @classmethod
    def _is_size(cls, value: str) -> str:
        if not (32 << 20) <= _measured(value, SIZES) <= (64 << 30):
            raise ValueError('must lie between "32m" and "64g"')
        return value


class _File(_Part):
    review: _Review = _Review()
    merge: _Merge = _Merge()
    protect: _Protect = _Protect()
    limits: _Limits = _Limits()
    checks: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")], _Check] = {}


def read_config(data: bytes | None, *, tools: str = "") -> Config:
    """The configuration in `data`, or the defaults when the branch has no such file.

    `tools` is the digest of the tools that checks may call; it is part of each check's own.
    Raises BadConfig.
    """
    if data is None:
        return _config(_File(), tools)
    try:
        return _config(_File.model_validate(tomllib.loads(data.decode("utf-8"))), tools)
    except UnicodeDecodeError as error:
        raise BadConfig(f"{NAME}: byte {error.start} is not UTF-8; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"{NAME}: not TOML: {error}") from error
    except RecursionError as error:
        raise BadConfig(f"{NAME}: nests too deep; nothing in it has to") from error
    except ValidationError as error:
        raise BadConfig("; ".join(_sentences(error))) from error


def _sentences(error: ValidationError) -> list[str]:
    faults = []
    for fault in error.errors()[:5]:
        key = ".".join(str(part) for part in fault["loc"])
        faults.append(f"{NAME}: {key}: {_fault(fault['type'], fault['msg'])}")
    return faults


def _fault(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "there is no such key; docs/configuration.md lists them"
    return message.removeprefix("Value error, ")


def _measured(text: str, units: dict[str, int]) -> int:
    match = re.fullmatch(r"([0-9]{1,9})([a-z])", text)
    if not match or match[2] not in units:
        known = ", ".join(units)
        raise ValueError(f"{text!r} is not a number and one of {known}")
    return int(match[1]) * units[match[2]]


def _config(file: _File, tools: str) -> Config:
    return Config(
        checks=tuple(
            _definition(name, check, tools) for name, check in sorted(file.checks.items())
        ),
        approvals=file.review.approvals,
        same_agency_may_approve=file.review.same_agency,
        protected=(*Config().protected, *file.protect.paths),
        promote=file.merge.promote,
        method=file.merge.method,
        limits={"lines": file.limits.lines, "files": file.limits.files},
    )


def _definition(name: str, check: _Check, tools: str) -> CheckDefinition:
    run = ["sh", "-c", check.run] if isinstance(check.run, str) else check.run
    timeout, memory = _measured(check.timeout, TIMES), _measured(check.memory, SIZES)
    decides = [run, check.parse, check.report, timeout, memory, tools, SANDBOX_PROFILE]
    decides += [check.pattern] if check.pattern else []
    return CheckDefinition(
        name=name,
        run=tuple(run),
        parse=check.parse,
        report=check.report,
        timeout=timeout,
        memory=memory,
        digest=hashlib.sha256(json.dumps(decides).encode()).hexdigest(),
        pattern=check.pattern,
    )
