"""deploy: move the deploy branch to where this pull request landed."""

from __future__ import annotations

from intakebot.core.asks import Ask, Decision
from intakebot.model import Said


def decide(ask: Ask) -> Decision:
    if not ask.landed:
        return Decision(Said.DENIED, "It has not landed yet, so there is nothing to deploy.")
    return Decision(
        Said.DONE, f"The deploy branch moves to `{ask.landed[:12]}`, and to nothing beyond it."
    )
