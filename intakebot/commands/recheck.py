"""recheck: run the checks again and judge anew."""

from __future__ import annotations

from intakebot.core.asks import Ask, Decision
from intakebot.model import Said


def decide(ask: Ask) -> Decision:
    if not ask.open:
        return Decision(Said.DENIED, "This pull request is no longer open.")
    return Decision(Said.DONE, f"Checking `{ask.current[:12]}` again.")
