"""Rule files: TOML, one rule each. Everything that is wrong is said, and at once."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from typing import Any

from intakebot.core import wording
from intakebot.core.expression import (
    FACT_NAMES,
    BadExpression,
    Expression,
    compile_condition,
    compile_flags,
    did_you_mean,
)
from intakebot.core.neutral import BadGiven, neutral_facts
from intakebot.core.rule import BadRule, Case, Example, Rule
from intakebot.model import Level, VerdictState

Table = Mapping[str, Any]
_REQUIRED = ("id", "level", "summary", "flags", "message", "fix")
_KEYS = (*_REQUIRED, "grace", "applies", "case", "example")
_CASE_KEYS = ("when", "message", "fix")
_EXAMPLE_KEYS = ("name", "given", "flags", "status")
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_GRACE = re.compile(r"([1-9][0-9]{0,3})([mhd])")
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}
_IN_FIX = frozenset({*FACT_NAMES, "items"})
_IN_MESSAGE = _IN_FIX | {"item"}


class _Fault(Exception):
    """One thing wrong with the value under one key."""


def read_rules(files: Mapping[str, str]) -> tuple[Rule, ...]:
    """Rules sorted by id. `files` maps file names to their text; one BadRule tells all faults."""
    rules: list[Rule] = []
    faults: list[str] = []
    for name, text in sorted(files.items()):
        try:
            rules.append(read_rule(name, text))
        except BadRule as bad:
            faults.append(str(bad))
    sources: dict[str, str] = {}
    for rule in rules:
        if rule.id in sources:
            faults.append(f"{rule.source}: id: '{rule.id}' is already in {sources[rule.id]}")
        sources.setdefault(rule.id, rule.source)
    if faults:
        raise BadRule("\n".join(faults))
    return tuple(sorted(rules, key=lambda rule: rule.id))


def read_rule(name: str, text: str) -> Rule:
    """`name` is the file's name; a folder before it does not count."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadRule(f"{name}: not TOML: {error}") from error
    return rule_of(name, table)


def rule_of(name: str, table: Table) -> Rule:
    """The rule of what a file holds, read already."""
    return _Reading(name, table).rule()


class _Reading:
    """Reads one table, key by key, and gathers the faults on the way."""

    def __init__(self, name: str, table: Table) -> None:
        self.name = name
        self.table = table
        self.faults: list[str] = []

    def rule(self) -> Rule:
        self._keys("", self.table, _KEYS, _REQUIRED)
        fields: dict[str, Any] = {
            "id": self._read(self.table, "id", self._id),
            "level": self._read(self.table, "level", _level),
            "grace": self._read(self.table, "grace", _grace, 0),
            "summary": self._read(self.table, "summary", _text),
            "applies": self._read(self.table, "applies", _condition),
            "flags": self._read(self.table, "flags", _flags),
            "messages": self._read(self.table, "message", _message),
            "fix": self._read(self.table, "fix", _fix),
            "cases": tuple(self._case(*each) for each in self._tables("case")),
            "examples": tuple(self._example(*each) for each in self._tables("example")),
        }
        if not self.faults:
            self._both_sides(fields["examples"])
        if self.faults:
            raise BadRule("\n".join(f"{self.name}: {fault}" for fault in self.faults))
        return Rule(**fields, digest=_digest(self.table), source=self.name)

    def _keys(
        self, where: str, table: Table, known: Collection[str], required: Collection[str]
    ) -> None:
        for key in table:
            if key not in known:
                self.faults.append(f"{where}{key}: no such key.{did_you_mean(key, list(known))}")
        for key in required:
            if key not in table:
                self.faults.append(f"{where}{key}: is missing")

    def _read(
        self,
        table: Table,
        key: str,
        read: Callable[[Any], object],
        absent: object = None,
        where: str = "",
    ) -> Any:
        if key not in table:
            return absent
        try:
            return read(table[key])
        except _Fault as fault:
            self.faults.append(f"{where}{key}: {fault}")
            return absent

    def _tables(self, key: str) -> list[tuple[str, Table]]:
        """The tables of `[[key]]`, each with the prefix that tells where it is."""
        tables = self.table.get(key, [])
        if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
            self.faults.append(f"{key}: write it as [[{key}]]")
            return []
        return [(f"{key} {number}: ", each) for number, each in enumerate(tables, start=1)]

    def _id(self, value: Any) -> str:
        rule_id = _text(value)
        if not _ID.fullmatch(rule_id):
            raise _Fault(f"'{rule_id}' is not made of lower-case words joined by '-'")
        stem = self.name.rsplit("/", 1)[-1].removesuffix(".toml")
        if rule_id != stem:
            raise _Fault(f"is '{rule_id}', but the file is '{stem}'; they must be the same")
        return rule_id

    def _case(self, where: str, table: Table) -> Case:
        self._keys(where, table, _CASE_KEYS, _CASE_KEYS)
        return Case(
            when=self._read(table, "when", _condition, where=where),
            message=self._read(table, "message", _message, where=where),
            fix=self._read(table, "fix", _fix, where=where),
        )

    def _example(self, where: str, table: Table) -> Example:
        self._keys(where, table, _EXAMPLE_KEYS, ("name", "given"))
        if "flags" not in table and "status" not in table:
            self.faults.append(f"{where}flags: say which flags, or which status, come out")
        return Example(
            name=self._read(table, "name", _text, where=where),
            given=self._read(table, "given", _given, {}, where=where),
            flags=self._read(table, "flags", _expected_flags, where=where),
            status=self._read(table, "status", _status, where=where),
        )

    def _both_sides(self, examples: Collection[Example]) -> None:
        flagged = any(each.flags or each.status is VerdictState.UNSATISFIED for each in examples)
        clean = any(each.flags == () or each.status is VerdictState.SATISFIED for each in examples)
        if not flagged:
            self.faults.append("example: none is flagged; add one with the flags that come out")
        if not clean:
            self.faults.append("example: none is clean; add one with flags = []")


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Fault("must be a text, and not an empty one")
    return value


def _one_of(value: Any, known: Collection[str]) -> str:
    if value not in known:
        hint = did_you_mean(str(value), list(known))
        raise _Fault(f"'{value}' is none of {', '.join(known)}.{hint}")
    return str(value)


def _level(value: Any) -> Level:
    return Level(_one_of(value, [level.value for level in Level]))


def _status(value: Any) -> VerdictState:
    return VerdictState(_one_of(value, [state.value for state in VerdictState]))


def _grace(value: Any) -> int:
    found = _GRACE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise _Fault(f'\'{value}\' is not a time; write it as "90m", "24h" or "2d"')
    return int(found[1]) * _SECONDS[found[2]]


def _condition(value: Any) -> Expression:
    return _compiled(compile_condition, value)


def _flags(value: Any) -> Expression:
    return _compiled(compile_flags, value)


def _compiled(compile_source: Callable[[str], Expression], value: Any) -> Expression:
    try:
        return compile_source(_text(value))
    except BadExpression as error:
        raise _Fault(str(error)) from error


def _message(value: Any) -> Mapping[str, str]:
    return _languages(value, _IN_MESSAGE)


def _fix(value: Any) -> Mapping[str, str]:
    return _languages(value, _IN_FIX)


def _languages(value: Any, known: Collection[str]) -> Mapping[str, str]:
    """A text, or a table of texts: `default` and any number of language codes."""
    table = value if isinstance(value, dict) else {"default": value}
    if "default" not in table:
        raise _Fault("has no 'default' beside its languages")
    texts: dict[str, str] = {}
    for language, text in table.items():
        texts["" if language == "default" else language] = _text(text).strip()
        try:
            wording.check(text, known)
        except wording.BadWording as error:
            raise _Fault(str(error)) from error
    return texts


def _given(value: Any) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _Fault("must be a table of facts, such as { draft = true }")
    try:
        neutral_facts(**value)
    except BadGiven as error:
        raise _Fault(str(error)) from error
    return value


def _expected_flags(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(flag, str) for flag in value):
        raise _Fault("must be a list of texts")
    return tuple(value)


def _digest(table: Table) -> str:
    """Over what judges and what is said; layout, comments and examples don't count."""
    content = {key: value for key, value in table.items() if key != "example"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
