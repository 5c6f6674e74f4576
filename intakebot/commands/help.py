"""help: list the commands."""

from __future__ import annotations

from intakebot.core.asks import Ask, Decision
from intakebot.model import Said


def decide(ask: Ask) -> Decision:
    from intakebot.commands import help_text  # the list includes this very file

    return Decision(Said.DONE, f"At the start of a line, in a comment of its own:\n\n{help_text()}")
