"""Whether a pull request says what its readers need (Q17), and which ticket it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import re2

from intakebot.model import OperatorError

TITLE = "title-says-what"  # the rule whose finding says that the title does not
SHORTEST = 20  # characters of a description that tells anything
LONGEST = 20_000  # characters of it that are read


class BadTicket(OperatorError):
    """The pattern is not one of RE2, which takes linear time whatever is searched."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What a house asks for besides a title and a few words: a ticket's number anywhere, by a
    pattern of RE2, and words that the description must have, each in some case."""

    ticket: str = ""
    mentions: tuple[str, ...] = ()

    def found_ticket(self, title: str, description: str) -> str:
        """The first one, "" where there is none or none is asked for."""
        if not self.ticket:
            return ""
        match = _compiled(self.ticket).search(f"{title}\n{description[:LONGEST]}")
        return str(match.group()) if match else ""

    def are_there(self, title: str, description: str, kinds: frozenset[str]) -> bool:
        """`kinds` are what the first verdict found wrong."""
        said = description[:LONGEST].casefold()
        return (
            TITLE not in kinds
            and len(said.strip()) >= SHORTEST
            and (not self.ticket or self.found_ticket(title, description) != "")
            and all(word.casefold() in said for word in self.mentions)
        )


def check_ticket(pattern: str) -> None:
    """Raises BadTicket."""
    _compiled(pattern)


@cache
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0]
        why = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        raise BadTicket(f"{pattern!r} is not a pattern of RE2: {why}") from error
