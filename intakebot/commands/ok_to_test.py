"""ok-to-test: let the checks run on this head, which comes from somebody new."""

from __future__ import annotations

from intakebot.core.asks import Ask, Decision
from intakebot.model import Said


def decide(ask: Ask) -> Decision:
    if not ask.open:
        return Decision(Said.DENIED, "This pull request is no longer open.")
    return Decision(
        Said.DONE, f"The checks may run on `{ask.current[:12]}`. A push asks for this again."
    )
