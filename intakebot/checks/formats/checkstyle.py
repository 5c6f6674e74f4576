"""Checkstyle XML, which shellcheck, hadolint, phpcs, oxlint, htmlhint and many others write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from intakebot.checks.formats import xml
from intakebot.checks.formats.reports import inside, limited, message, number
from intakebot.model import Finding, Level

LEVELS: Mapping[str, Level] = {
    "error": Level.ERROR,
    "warning": Level.WARNING,
    "info": Level.NOTE,
    "ignore": Level.NOTE,
}


def parse(data: bytes) -> tuple[Finding, ...]:
    return limited(_findings(data))


def _findings(data: bytes) -> Iterator[Finding]:
    for file in xml.read(data, "a checkstyle report", ("checkstyle",)).iter("file"):
        path = inside(file.get("name", ""))
        if path is None:
            continue
        for error in file.iter("error"):
            yield Finding(
                path,
                number(error.get("line", "")),
                LEVELS.get(error.get("severity", "error"), Level.WARNING),
                message(error.get("source", "")),
                message(error.get("message", "")),
                column=number(error.get("column", "")),
            )
