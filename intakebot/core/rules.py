"""Rules judge facts. A rule that cannot answer is broken, and broken never passes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from intakebot.core import wording
from intakebot.core.expression import FACT_NAMES, BrokenExpression
from intakebot.core.neutral import BadGiven, neutral_facts
from intakebot.core.rule import BadRule, Case, Example, Rule
from intakebot.core.rulefile import read_rule, read_rules
from intakebot.model import Facts, Verdict, VerdictState

__all__ = [
    "BadGiven",
    "BadRule",
    "Case",
    "Example",
    "Rule",
    "judge",
    "neutral_facts",
    "read_rule",
    "read_rules",
    "rules_digest",
    "try_example",
]


def judge(rule: Rule, facts: Facts, language: str = "") -> Verdict:
    """Never raises. Words come in `language` where the rule has it, else in its default."""
    verdict = Verdict(
        rule=rule.id,
        digest=rule.digest,
        level=rule.level,
        state=VerdictState.SATISFIED,
        summary=rule.summary,
        grace=rule.grace,
    )
    try:
        if rule.applies is not None and not rule.applies.evaluate(facts):
            return replace(verdict, state=VerdictState.NOT_APPLICABLE)
        offenders = _texts(rule.flags.evaluate(facts))
        if not offenders:
            return verdict
        text, fix = _said(rule, facts, offenders, language)
    except BrokenExpression as error:
        problem = f"{rule.source}: {error}"
        return replace(verdict, state=VerdictState.BROKEN, problem=problem)
    return replace(verdict, state=VerdictState.UNSATISFIED, offenders=offenders, text=text, fix=fix)


def _texts(flagged: bool | list[str]) -> tuple[str, ...]:
    if isinstance(flagged, bool):
        raise BrokenExpression("flags gave no list")
    return tuple(flagged)


def _said(rule: Rule, facts: Facts, offenders: Sequence[str], language: str) -> tuple[str, str]:
    """Message and fix, filled."""
    messages, fixes = rule.messages, rule.fix
    for case in rule.cases:
        if case.when.evaluate(facts):
            messages, fixes = case.message, case.fix
            break
    values: dict[str, wording.Value] = {name: getattr(facts, name) for name in FACT_NAMES}
    values["items"] = offenders
    message = _in(language, messages)
    if wording.uses(message, "item"):
        text = wording.fill_each(message, values, offenders)
    else:
        text = wording.fill(message, values)
    return text, wording.fill(_in(language, fixes), values)


def _in(language: str, texts: Mapping[str, str]) -> str:
    return texts.get(language, texts[""])


def rules_digest(rules: Sequence[Rule]) -> str:
    """One digest for a set of rules, whatever their order."""
    lines = sorted(f"{rule.id} {rule.digest}\n" for rule in rules)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def try_example(rule: Rule, example: Example) -> str | None:
    """None when the example holds, else the difference in words."""
    verdict = judge(rule, neutral_facts(**example.given))
    got = f"{verdict.state.value}" + (f" ({verdict.problem})" if verdict.problem else "")
    if example.status is not None and verdict.state is not example.status:
        return f"wanted {example.status.value}, got {got}"
    if example.flags is None:
        return None
    if verdict.state not in (VerdictState.SATISFIED, VerdictState.UNSATISFIED):
        return f"wanted flags {list(example.flags)}, got {got}"
    if verdict.offenders != example.flags:
        return f"wanted flags {list(example.flags)}, got {list(verdict.offenders)}"
    return None
