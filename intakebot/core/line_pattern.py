"""Patterns with named groups, which say what stands where in a line of a tool's output.

They are RE2's, which takes linear time whatever the output is. Groups: `path` and `message` must
be there; `line`, `column`, `end_line`, `level` and `rule` may.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import re2

from intakebot.model import OperatorError

NEEDED, KNOWN = {"path", "message"}, {"line", "column", "end_line", "level", "rule"}
LONGEST_LINE = 10_000  # characters; what is longer is no line of a report
MEMORY = 8 << 20  # bytes, for what RE2 makes of the pattern


class BadPattern(OperatorError):
    pass


class LinePattern:
    """Raises BadPattern for what is not RE2, or has not the groups."""

    def __init__(self, pattern: str) -> None:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = MEMORY
        try:
            self._compiled: Any = re2.compile(pattern, options)
        except re2.error as error:
            said = error.args[0]
            why = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
            raise BadPattern(f"the pattern {pattern!r} is not one of RE2: {why}") from error
        groups = set(self._compiled.groupindex)
        if missing := NEEDED - groups:
            raise BadPattern(
                f"the pattern {pattern!r} has no group {' and no group '.join(sorted(missing))}; "
                r"write for example ^(?P<path>[^:]+):(?P<line>\d+): (?P<message>.*)$"
            )
        if unknown := groups - NEEDED - KNOWN:
            raise BadPattern(
                f"the pattern has a group {min(unknown)!r}; "
                f"known are {', '.join(sorted(NEEDED | KNOWN))}"
            )

    def matches(self, text: str) -> Iterator[dict[str, str]]:
        """The groups of each line that matches, those that took no part as ""."""
        for line in text.split("\n"):
            if len(line) <= LONGEST_LINE:
                match = self._compiled.search(line.rstrip("\r"))
                if match is not None:
                    yield {name: value or "" for name, value in match.groupdict().items()}
