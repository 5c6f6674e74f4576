"""hold REASON: keep this pull request from landing until somebody says `/unhold`."""

from __future__ import annotations

from intakebot.core import escape
from intakebot.core.asks import Ask, Decision
from intakebot.model import Said


def decide(ask: Ask) -> Decision:
    if ask.landed:
        return Decision(Said.DENIED, "It has landed already; a hold can't stop it any more.")
    because = f" ({escape.text(ask.args)})" if ask.args else ""
    return Decision(
        Said.DONE, f"On hold{because}. It stays so until `/unhold`, also when your comment goes."
    )
