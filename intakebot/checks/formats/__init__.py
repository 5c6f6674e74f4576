"""The report formats: one module each, one line here.

`parser` gives what reads one: the findings inside the tree, in the report's order, at most
MAX_FINDINGS, or BadReport for what is not a whole report of that format. `summarise` says in one
phrase for the contributor what a failed check found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import get_args

from intakebot.checks.formats import (
    checkstyle,
    codeclimate,
    eslint,
    github,
    junit,
    rdjson,
    regex,
    sarif,
    stylelint,
    tap,
)
from intakebot.checks.formats.reports import BadReport, problems_found
from intakebot.model import Finding, ReportFormat

__all__ = ["FORMATS", "NAMES", "BadReport", "parser", "summarise"]

Parse = Callable[[bytes], tuple[Finding, ...]]
NAMES: tuple[str, ...] = get_args(ReportFormat)
FORMATS: Mapping[str, Parse] = {
    "sarif": sarif.parse,
    "checkstyle": checkstyle.parse,
    "junit": junit.parse,
    "eslint": eslint.parse,
    "stylelint": stylelint.parse,
    "rdjson": rdjson.parse,
    "rdjsonl": rdjson.parse_lines,
    "codeclimate": codeclimate.parse,
    "github": github.parse,
    "tap": tap.parse,
}
SUMMARIES: Mapping[str, Callable[[bytes, Sequence[Finding]], str]] = {
    "junit": junit.summarise,
    "tap": tap.summarise,
}


def parser(name: str, pattern: str = "") -> Parse:
    """What reads reports of this format; only "regex" needs a pattern. Raises BadPattern."""
    return regex.parser(pattern) if name == "regex" else FORMATS[name]


def summarise(name: str, data: bytes, found: Sequence[Finding]) -> str:
    return SUMMARIES[name](data, found) if name in SUMMARIES else problems_found(found)
