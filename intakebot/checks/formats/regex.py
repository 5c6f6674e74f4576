"""Any tool that says one thing a line, by a pattern that tells what stands where in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from intakebot.checks.formats.reports import BadReport, inside, limited, message, number
from intakebot.core.line_pattern import LinePattern
from intakebot.model import Finding, Level

LEVELS: Mapping[str, Level] = {
    **dict.fromkeys(("error", "e", "fatal", "critical"), Level.ERROR),
    **dict.fromkeys(("warning", "warn", "w"), Level.WARNING),
    **dict.fromkeys(("note", "notice", "info", "i", "style"), Level.NOTE),
}


def parser(pattern: str) -> Callable[[bytes], tuple[Finding, ...]]:
    """Lines that don't match are passed over. Raises BadPattern."""
    compiled = LinePattern(pattern)
    return lambda data: limited(_findings(compiled, data))


def _findings(pattern: LinePattern, data: bytes) -> Iterator[Finding]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadReport(f"not UTF-8 at byte {error.start}", data) from error
    for said in pattern.matches(text):
        path = inside(said["path"])
        if path is not None:
            yield Finding(
                path,
                number(said.get("line", "")),
                LEVELS.get(said.get("level", "error").lower(), Level.WARNING),
                message(said.get("rule", "")),
                message(said["message"]),
                column=number(said.get("column", "")),
                end_line=number(said.get("end_line", "")),
            )
