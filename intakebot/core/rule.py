"""What a rule is made of, once its file has been read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from intakebot.core.expression import Expression
from intakebot.model import Level, OperatorError, VerdictState


class BadRule(OperatorError):
    """One line for each problem: file, key, fault and cure."""


@dataclass(frozen=True)
class Example:
    """`given` overrides neutral facts; `flags` or `status` (or both) say what then comes out."""

    name: str
    given: Mapping[str, object]
    flags: tuple[str, ...] | None
    status: VerdictState | None


@dataclass(frozen=True)
class Case:
    """Other words for the same verdict: those of the first case that holds."""

    when: Expression
    message: Mapping[str, str]
    fix: Mapping[str, str]


@dataclass(frozen=True)
class Rule:
    """`grace` is in seconds; `digest` covers all but the examples; `source` is the file's name.

    `messages` and `fix` are Markdown with placeholders, by language; "" is the default.
    """

    id: str
    level: Level
    grace: int
    summary: str
    applies: Expression | None
    flags: Expression
    messages: Mapping[str, str]
    fix: Mapping[str, str]
    cases: tuple[Case, ...]
    examples: tuple[Example, ...]
    digest: str
    source: str
