"""How a check is written: in a repository's `.intakebot.toml`, and in a preset of `rules/presets`.

A preset is the checks of one kind of file. Each of its checks names the tools that it calls, and is
left out on a machine that lacks one of them.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from intakebot.core.line_pattern import BadPattern, LinePattern
from intakebot.core.measured import measured_size, measured_time
from intakebot.model import CheckDefinition, OperatorError, PrepareStep, ReportFormat

# Part of every definition digest: a change of what the sandbox lets in makes old results void. So
# does it for `verify`, which knows landings of before by the digests of then: keep what they were.
SANDBOX_PROFILE = "1"
# Tests, and commands without a report, may say another thing the next time; linters don't.
MAY_VARY = ("none", "junit", "tap")

# What may be said of a check that another machine runs.
ELSEWHERE = {"external", "http", "timeout", "when", "needs", "required"}

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Text = Annotated[str, Field(min_length=1, max_length=1000)]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]


def _time(text: str) -> str:
    measured_time(text)
    return text


def _size(text: str) -> str:
    measured_size(text)
    return text


class Check(BaseModel):
    """docs/configuration.md says what each key means."""

    model_config = ConfigDict(extra="forbid", strict=True)

    run: list[str] | str = []
    external: Annotated[str, Field(max_length=100)] = ""
    http: Name | Literal[""] = ""
    parse: Literal["none"] | ReportFormat = "none"
    pattern: str = ""
    report: str = "-"
    timeout: str = "10m"
    memory: str = "1g"
    disk: str = ""
    env: dict[Variable, Annotated[str, Field(max_length=10_000)]] = {}
    when: list[Text] = []
    paths: list[Text] = []
    changed: bool = False
    needs: list[Name] = []
    required: bool = True
    tools: list[Text] = []
    retries: Annotated[int, Field(ge=0, le=3)] | None = None
    lines: Literal["added", "context", "file"] = "added"
    uses: list[Name] = []

    @field_validator("external")
    @classmethod
    def _printable(cls, value: str) -> str:
        if not value.isprintable() or value != value.strip():
            raise ValueError("must be the name or the key of a build status, as the forge shows it")
        return value

    @model_validator(mode="after")
    def _runs_somewhere(self) -> Check:
        if self.external or self.http:
            odd = sorted(self.model_fields_set - ELSEWHERE)
            if odd or (self.external and self.http):
                needless = odd[0] if odd else "http"
                raise ValueError(f"is run by another machine, so `{needless}` has no meaning")
        elif not self.run or self.run == [""]:
            raise ValueError(
                'run names no command; write for example run = ["pytest", "-q"], '
                "or external = the name of a build status, or http = the name of a QA hook"
            )
        return self

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

    _is_time = field_validator("timeout")(_time)
    _is_size = field_validator("memory", "disk")(_size)


class Prepare(BaseModel):
    """A step that fetches packages; what is not said is as for its name, where that is known."""

    model_config = ConfigDict(extra="forbid", strict=True)

    run: list[str] | str = []
    files: list[Text] = []
    gives: list[Text] = []
    env: dict[Variable, Text] = {}
    timeout: str = "10m"
    memory: str = "2g"

    @field_validator("gives")
    @classmethod
    def _inside(cls, value: list[str]) -> list[str]:
        for path in value:
            if not path.isprintable() or {"", ".", ".."} & set(path.split("/")) or path[0] == "-":
                raise ValueError(f"{path!r} must be a plain path inside the repository")
        return value

    _is_time = field_validator("timeout")(_time)
    _is_size = field_validator("memory")(_size)


# Without scripts and plugins: no program of a package runs while it is fetched.
KNOWN_STEPS: Mapping[str, Prepare] = {
    "npm": Prepare(
        run=["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        files=["package.json", "package-lock.json", "npm-shrinkwrap.json", ".npmrc"],
        gives=["node_modules"],
    ),
    "composer": Prepare(
        run=["composer", "install", "--no-scripts", "--no-plugins", "--no-progress"],
        files=["composer.json", "composer.lock"],
        gives=["vendor"],
    ),
    "pip": Prepare(
        run=["pip", "install", "--target=.python", "--requirement=requirements.txt"],
        files=["requirements*.txt"],
        gives=[".python"],
        env={"PYTHONPATH": "/work/.python"},
    ),
}
Checks = dict[Name, Check]
Steps = Mapping[str, Prepare]
NO_STEPS: Steps = {}
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


def definitions(
    checks: Mapping[str, Check], tools: str, steps: Steps = NO_STEPS
) -> tuple[CheckDefinition, ...]:
    """In an order in which what a check needs comes before it. Raises ValueError."""
    for name, check in checks.items():
        if unknown := [one for one in check.needs if one not in checks]:
            raise ValueError(f"checks.{name}.needs: there is no check {unknown[0]!r}")
        if unknown := [one for one in check.uses if one not in {**KNOWN_STEPS, **steps}]:
            raise ValueError(f"checks.{name}.uses: there is no [prepare.{unknown[0]}]")
    sorter = TopologicalSorter({name: sorted(checks[name].needs) for name in sorted(checks)})
    try:
        order = list(sorter.static_order())
    except CycleError as error:
        circle = " needs ".join(reversed(error.args[1]))
        raise ValueError(f"checks: {circle}, so none of them could ever start") from error
    return tuple(_definition(name, checks[name], tools, steps) for name in order)


def _step(name: str, steps: Steps, tools: str) -> tuple[PrepareStep, Mapping[str, str]]:
    """With the variables that checks get which use it. Raises ValueError."""
    known, given = KNOWN_STEPS.get(name, Prepare()), steps.get(name, Prepare())
    run, files, gives = (
        given.run or known.run,
        given.files or known.files,
        given.gives or known.gives,
    )
    if not (run and files and gives):
        raise ValueError(
            f"prepare.{name}: must say run, files and gives; only npm, composer and pip are known"
        )
    argv = ["sh", "-c", run] if isinstance(run, str) else run
    timeout, memory = measured_time(given.timeout), measured_size(given.memory)
    decides = [argv, files, gives, timeout, memory, tools, SANDBOX_PROFILE]
    digest = hashlib.sha256(json.dumps(decides).encode()).hexdigest()
    step = PrepareStep(name, tuple(argv), tuple(files), tuple(gives), timeout, memory, digest)
    return step, {**known.env, **given.env}


def _definition(name: str, check: Check, tools: str, steps: Steps) -> CheckDefinition:
    run = ["sh", "-c", check.run] if isinstance(check.run, str) else check.run
    timeout, memory = measured_time(check.timeout), measured_size(check.memory)
    used = [_step(one, steps, tools) for one in check.uses]
    env = {key: value for _, given in used for key, value in given.items()} | check.env
    decides: list[object] = [
        *(run, check.parse, check.report, timeout, memory, tools, SANDBOX_PROFILE),
        *_more(check, env, [step.digest for step, _ in used]),
    ]
    varies = check.parse in MAY_VARY and not (check.external or check.http)
    retries = int(varies) if check.retries is None else check.retries
    return CheckDefinition(
        name=name,
        run=tuple(run),
        parse=check.parse,
        report=check.report,
        timeout=timeout,
        memory=memory,
        disk=measured_size(check.disk) if check.disk else 0,
        digest=hashlib.sha256(json.dumps(decides).encode()).hexdigest(),
        pattern=check.pattern,
        env=tuple(sorted(env.items())),
        when=tuple(check.when),
        paths=_paths(check, [step for step, _ in used]),
        changed=check.changed,
        needs=tuple(check.needs),
        required=check.required,
        tools=tuple(check.tools),
        prepare=tuple(step for step, _ in used),
        lines=check.lines,
        retries=retries,
        external=check.external,
        http=check.http,
    )


def _paths(check: Check, steps: Sequence[PrepareStep]) -> tuple[str, ...]:
    """One that gets some of the files gets those, too, that decide what is prepared for it."""
    if not check.paths and not check.changed:
        return ()
    return tuple(dict.fromkeys((*check.paths, *(file for step in steps for file in step.files))))


def _more(check: Check, env: Mapping[str, str], prepared: Sequence[str]) -> Iterator[object]:
    """What came later and is not said has no part in the digest: older results stay good."""
    if check.external or check.http:
        yield ["elsewhere", check.external, check.http]
    if check.pattern:
        yield check.pattern
    if env:
        yield ["env", sorted(env.items())]
    if prepared:
        yield ["prepared", list(prepared)]
    if check.tools:
        yield ["tools", sorted(check.tools)]
    if check.disk:
        yield ["disk", measured_size(check.disk)]
