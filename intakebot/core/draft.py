"""Rules as somebody would like to have them, to be tried before they bind. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from intakebot.core.expression import did_you_mean
from intakebot.core.rulefile import rule_of
from intakebot.core.rules import BadRule, Rule, read_rules


def with_settings(files: Mapping[str, str], settings: Sequence[str]) -> tuple[Rule, ...]:
    """The rules of these files with some keys changed. Raises BadRule."""
    if not settings:
        return read_rules(files)
    tables: dict[str, dict[str, Any]] = {rule.source: {} for rule in read_rules(files)}
    for setting in settings:
        place, equals, value = setting.partition("=")
        rule, dot, key = place.strip().partition(".")
        if not (equals and dot and key):
            raise BadRule(f"--set {setting}: write it as RULE.KEY=VALUE, small-enough.level=reject")
        name = f"{rule}.toml"
        if name not in tables:
            known = [one.removesuffix(".toml") for one in tables]
            raise BadRule(f"--set {setting}: there is no rule '{rule}'.{did_you_mean(rule, known)}")
        tables[name][key] = _value(value.strip())
    changed = [rule_of(name, tomllib.loads(files[name]) | more) for name, more in tables.items()]
    return tuple(sorted(changed, key=lambda rule: rule.id))


def _value(text: str) -> object:
    """As TOML has it, and whatever is none of TOML's values is plain text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def with_rule(files: Mapping[str, str], text: str) -> tuple[Rule, ...]:
    """The rules of these files with one more, or another in place of the one that has its id.

    Raises BadRule.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadRule(f"the draft: not TOML: {error}") from error
    name = table.get("id")
    if not isinstance(name, str):
        raise BadRule("the draft: id: is missing; a rule is named by it")
    draft = rule_of(f"{name}.toml", table)
    kept = [rule for rule in read_rules(files) if rule.id != draft.id]
    return tuple(sorted((*kept, draft), key=lambda rule: rule.id))
