"""GitHub's workflow commands: `::error file=a.py,line=3,col=7,title=x::what is wrong`.

Other lines of a tool's output stand between them and are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from intakebot.checks.formats.reports import BadReport, inside, limited, message, number
from intakebot.model import Finding, Level

LEVELS: Mapping[str, Level] = {
    "error": Level.ERROR,
    "warning": Level.WARNING,
    "notice": Level.NOTE,
}
COMMAND = re.compile(r"^[ \t]*::(error|warning|notice)(?: ([^\n]*?))?::([^\n]*)$", re.MULTILINE)
RULE = re.compile(r"^[^()\n]{1,40}\(([^()\n]{1,100})\)$|^\d+:\d+ \[([^\]\n]{1,100})\] ")
# ruff, oxlint and yamllint say the place once more.
PLACE = re.compile(r"^(?:[^:\n]{1,400}:)?\d{1,7}:\d{1,7}:? ")
ESCAPED: Mapping[str, str] = {"%25": "%", "%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ","}


def parse(data: bytes) -> tuple[Finding, ...]:
    """Output without any command is a report without findings."""
    try:
        text = data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise BadReport(f"not UTF-8 at byte {error.start}", data) from error
    return limited(_findings(text))


def _findings(text: str) -> Iterator[Finding]:
    for kind, properties, said in COMMAND.findall(text):
        given = _properties(properties)
        path = inside(given.get("file", ""))
        if path is None:  # about the run as a whole, or about another place
            continue
        what = _plain(said)
        rule = _rule(given.get("title", ""), what)
        yield Finding(
            path,
            number(given.get("line", "")),
            LEVELS[kind],
            message(rule),
            message(_once(what, rule)),
            column=number(given.get("col", "")),
            end_line=number(given.get("endLine", "")),
        )


def _properties(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(","))
    return {name.strip(): _plain(value) for name, _, value in pairs}


def _plain(text: str) -> str:
    return re.sub("%(25|0D|0A|3A|2C)", lambda match: ESCAPED[match[0]], text)


def _rule(title: str, said: str) -> str:
    """The format has no place for it. "ruff (E401)" and "eslint(no-var)" name it in the title."""
    named = RULE.match(title) or RULE.match(said)
    return (named[1] or named[2]).strip() if named else ""


def _once(said: str, rule: str) -> str:
    """Without place and rule, which stand elsewhere."""
    text = PLACE.sub("", said, count=1)
    return text.removeprefix(f"[{rule}] ").removeprefix(f"{rule} ") if rule else text
