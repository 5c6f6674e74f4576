"""`intakebot explain RULE`: what a rule asks, why, and what it says to whom."""

from __future__ import annotations

import json

import click

from intakebot.core.expression import did_you_mean
from intakebot.core.rules import Example, Rule, judge, neutral_facts, read_rules
from intakebot.model import OperatorError, VerdictState
from intakebot.settings import rule_files

_LEVELS = {
    "reject": "the pull request is closed",
    "error": "the pull request cannot land until this is settled",
    "warning": "it is said, and stops nothing",
    "note": "it is mentioned in passing",
}


@click.command(epilog="Example: intakebot explain fork-only")
@click.argument("rule_id", metavar="RULE")
@click.option("--json", "as_json", is_flag=True, help="Print it for a script.")
def explain(rule_id: str, as_json: bool) -> None:
    """Show a rule, what it says, and its examples."""
    try:
        rules = {rule.id: rule for rule in read_rules(rule_files())}
    except OperatorError as error:
        raise click.ClickException(str(error)) from None
    if rule_id not in rules:
        hint = did_you_mean(rule_id, list(rules)) or f" There are: {', '.join(rules)}."
        raise click.UsageError(f"there is no rule '{rule_id}'.{hint}")
    rule = rules[rule_id]
    click.echo(json.dumps(_as_data(rule), indent=2) if as_json else _as_page(rule))


def _as_data(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "level": rule.level.value,
        "grace_seconds": rule.grace,
        "summary": rule.summary,
        "applies": rule.applies.source.strip() if rule.applies else None,
        "flags": rule.flags.source.strip(),
        "message": dict(rule.messages),
        "fix": dict(rule.fix),
        "digest": rule.digest,
        "examples": [
            {
                "name": example.name,
                "given": dict(example.given),
                "flags": None if example.flags is None else list(example.flags),
                "status": example.status.value if example.status else None,
            }
            for example in rule.examples
        ],
    }


def _as_page(rule: Rule) -> str:
    parts = [
        f"{rule.id}: {rule.summary}",
        _facts_of(rule),
        "What is said, with made-up names:",
        _indented(_said(rule)),
        "Examples:",
        "\n".join(_line(example) for example in rule.examples),
    ]
    return "\n\n".join(parts)


def _facts_of(rule: Rule) -> str:
    rows = [("level", f"{rule.level.value}: {_LEVELS[rule.level.value]}")]
    if rule.grace:
        rows.append(("grace", f"{_duration(rule.grace)} for a first-time author"))
    if rule.applies:
        rows.append(("applies", rule.applies.source.strip()))
    rows += [("flags", rule.flags.source.strip()), ("from", f"{rule.source}, {rule.digest[:12]}")]
    return "\n".join(f"  {key:8} {_indented(value, 11).lstrip()}" for key, value in rows)


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, 3_600)
    return f"{seconds // 60} minutes" if rest else f"{hours} hours"


def _said(rule: Rule) -> str:
    """The words of the first example that is flagged; every rule has one."""
    verdicts = (judge(rule, neutral_facts(**example.given)) for example in rule.examples)
    shown = next(each for each in verdicts if each.state is VerdictState.UNSATISFIED)
    return f"{shown.text}\n\n{shown.fix}"


def _line(example: Example) -> str:
    outcome = example.status.value if example.status else ("flagged" if example.flags else "clean")
    return f"  {outcome:14}  {example.name}"


def _indented(text: str, width: int = 2) -> str:
    return "\n".join(" " * width + line if line else "" for line in text.splitlines())
