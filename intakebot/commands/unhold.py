"""unhold: lift every hold on this pull request."""

from __future__ import annotations

from intakebot.core.asks import Ask, Decision, listed
from intakebot.model import Said


def decide(ask: Ask) -> Decision:
    if not ask.holders:
        return Decision(Said.DONE, "There was no hold; nothing changes.")
    return Decision(Said.DONE, f"The hold by {listed(ask.holders, 'and')} is lifted.")
