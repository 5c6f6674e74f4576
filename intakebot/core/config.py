"""`.intakebot.toml`: what a repository asks of its changes. Read from the target branch only."""

from __future__ import annotations

import tomllib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from intakebot.core.checkfile import Checks, Name, Prepare, Toolset, definitions, of_presets
from intakebot.model import Config, Method, OperatorError

NAME = ".intakebot.toml"
NO_TOOLS = Toolset()


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


class _Detect(_Part):
    """Paths that are welcome to hold what a detector looks for."""

    archives: list[str] = []
    clashing_names: list[str] = []
    hidden_characters: list[str] = []
    pointers: list[str] = []
    programs: list[str] = []
    secrets: list[str] = []
    stray_links: list[str] = []
    suppressions: list[str] = []
    taken_back: list[str] = []


class _File(_Part):
    review: _Review = _Review()
    merge: _Merge = _Merge()
    protect: _Protect = _Protect()
    limits: _Limits = _Limits()
    detect: _Detect = _Detect()
    checks: Checks = {}
    prepare: dict[Name, Prepare] = {}
    presets: list[str] | Literal["auto"] = []


def read_config(data: bytes | None, toolset: Toolset = NO_TOOLS) -> Config:
    """The configuration in `data`, or the defaults when the branch has no such file.

    The digest of the tools that checks may call is part of each check's own. Raises BadConfig.
    """
    if data is None:
        return _config(_File(), toolset)
    try:
        return _config(_File.model_validate(tomllib.loads(data.decode("utf-8"))), toolset)
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


def _config(file: _File, toolset: Toolset) -> Config:
    wanted = ["auto"] if file.presets == "auto" else list(file.presets)
    try:
        checks = definitions(
            {**of_presets(wanted, toolset), **file.checks}, toolset.digest, file.prepare
        )
    except ValueError as error:
        raise BadConfig(f"{NAME}: {error}") from error
    return Config(
        checks=checks,
        approvals=file.review.approvals,
        same_agency_may_approve=file.review.same_agency,
        protected=(*Config().protected, *file.protect.paths),
        promote=file.merge.promote,
        method=file.merge.method,
        limits={"lines": file.limits.lines, "files": file.limits.files},
        welcome={name: tuple(paths) for name, paths in file.detect if paths},
    )
