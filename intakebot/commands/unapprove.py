"""unapprove: take your approval back."""

from __future__ import annotations

from intakebot.core.asks import Ask, Decision
from intakebot.model import Said


def decide(ask: Ask) -> Decision:
    if not ask.approved_by_person:
        return Decision(Said.DONE, "You had no approval standing here; nothing changes.")
    return Decision(Said.DONE, "Your approval is taken back.")
