"""Conditions over facts, in CEL: typed when loaded, bounded when run.

The engine is behind this module alone. It returns run-time errors as values, which
are truthy; so only a real boolean or a real list of texts counts here, all else is broken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_type_hints

from cel_expr_python import cel

from intakebot.core.pathsearch import matching
from intakebot.model import Facts


class BadExpression(Exception):
    """The source cannot be used; said when it is loaded."""


class BrokenExpression(Exception):
    """No answer for these facts: an error, an exhausted budget, a value of the wrong type."""


_TYPES = {
    str: cel.Type.STRING,
    int: cel.Type.INT,
    bool: cel.Type.BOOL,
    list[str]: cel.Type.List(cel.Type.STRING),
}
# `paths` can be thousands, which would exhaust the engine's budget of 10,000 steps.
_VARIABLES = {name: _TYPES[hint] for name, hint in get_type_hints(Facts).items() if name != "paths"}
FACT_NAMES = tuple(_VARIABLES)


_MATCHES = cel.NewEnv(variables={"text": cel.Type.STRING, "pattern": cel.Type.STRING}).compile(
    "text.matches(pattern)"
)


def _matches(text: str, pattern: str) -> bool:
    result = _MATCHES.eval(data={"text": text, "pattern": pattern})
    if result.type() != cel.Type.BOOL:
        raise BrokenExpression(_without_code(str(result.value())))
    return result.value() is True


def _any_path(paths: Sequence[str], pattern: str) -> bool:
    return next(matching(paths, pattern, _matches), None) is not None


def _paths_matching(paths: Sequence[str], pattern: str) -> list[str]:
    return list(matching(paths, pattern, _matches))


def _count_paths(paths: Sequence[str], pattern: str) -> int:
    return sum(1 for _ in matching(paths, pattern, _matches))


_PathQuestion = Callable[[Sequence[str], str], object]
_FUNCTIONS: dict[str, tuple[_PathQuestion, Any]] = {
    "any_path": (_any_path, cel.Type.BOOL),
    "paths_matching": (_paths_matching, cel.Type.List(cel.Type.STRING)),
    "count_paths": (_count_paths, cel.Type.INT),
}
_ENGINE = cel.NewEnv(
    variables=_VARIABLES,
    extensions=[
        cel.CelExtension(
            "paths",
            [
                cel.FunctionDecl(name, [cel.Overload(name, answer, [cel.Type.STRING])])
                for name, (_, answer) in _FUNCTIONS.items()
            ],
        )
    ],
)


def _transportable(text: str) -> str:
    """The engine cuts texts at NUL and refuses lone surrogates; both become visible."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def _plain(value: object) -> object:
    if isinstance(value, str):
        return _transportable(str(value))
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _asking(paths: Sequence[str], name: str) -> Any:
    """The host function `name`, bound to the paths of one evaluation."""
    question, answer = _FUNCTIONS[name]

    def ask(pattern: str) -> object:
        return question([_transportable(path) for path in paths], pattern)

    return cel.Function(name, [cel.Type.STRING], False, ask, answer)


@dataclass(frozen=True)
class Expression:
    """`_names` are facts and functions that the source may speak of: only those are handed in."""

    source: str
    _compiled: Any
    _wanted: type
    _names: frozenset[str]

    def evaluate(self, facts: Facts) -> bool | list[str]:
        """Raises BrokenExpression; its text is for the operator."""
        data = {name: _plain(getattr(facts, name)) for name in FACT_NAMES if name in self._names}
        functions = [_asking(facts.paths, name) for name in _FUNCTIONS if name in self._names]
        try:
            result = self._compiled.eval(data=data, functions=functions)
            value = result.plain_value()
        except RuntimeError as error:
            raise BrokenExpression(_without_code(str(error))) from error
        if self._wanted is bool and result.type() == cel.Type.BOOL and isinstance(value, bool):
            return value
        if self._wanted is list and isinstance(value, list):
            if all(isinstance(item, str) for item in value):
                return value
            raise BrokenExpression("the list holds something that is not a text")
        raise BrokenExpression(_without_code(str(value)))


def compile_condition(source: str) -> Expression:
    return _compile(source, bool, cel.Type.BOOL, "true or false")


def compile_flags(source: str) -> Expression:
    return _compile(source, list, cel.Type.List(cel.Type.STRING), "a list of texts")


def _compile(source: str, wanted: type, wanted_type: Any, in_words: str) -> Expression:
    try:
        compiled = _ENGINE.compile(source)
    except RuntimeError as error:
        raise BadExpression(_explained(source, str(error))) from error
    if compiled.return_type() != wanted_type:
        kind = str(compiled.return_type()).lower()
        raise BadExpression(f"gives {kind}, where {in_words} is needed")
    return Expression(source, compiled, wanted, frozenset(_WORD.findall(source)))


# --- the engine's errors in our words ---------------------------------------------------

_PROBLEM = re.compile(r"ERROR: <input>:(\d+):(\d+): ([^\n]*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']+)'")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CODE = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")


def _without_code(problem: str) -> str:
    return _CODE.sub("", problem)


def _explained(source: str, problem: str) -> str:
    first = _PROBLEM.search(problem)
    if first is None:
        return _without_code(problem)
    line, column, fault = int(first[1]), int(first[2]), first[3]
    undeclared = _UNDECLARED.match(fault)
    if undeclared:
        called = source.splitlines()[line - 1][column - 1 : column] == "("
        return _no_such_name(undeclared[1].split(".")[0], called)
    fault = fault.split(" expecting ")[0].removeprefix("Syntax error: ")
    fault = fault.replace("mismatched input '<EOF>'", "ends too early")
    return f"line {line}, column {column}: {fault}"


def _no_such_name(name: str, called: bool) -> str:
    if name == "paths":
        return 'paths can be thousands: ask any_path("regex"), paths_matching or count_paths'
    kind, known = ("function", tuple(_FUNCTIONS)) if called else ("fact", FACT_NAMES)
    return f"there is no {kind} '{name}'.{did_you_mean(name, known)}"


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """A sentence to append, with its leading space; empty when nothing comes near."""
    near = get_close_matches(name, known, n=1)
    return f" Did you mean '{near[0]}'?" if near else ""
