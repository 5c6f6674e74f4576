"""merge: land exactly the commit that is the head now, as soon as everything holds."""

from __future__ import annotations

from intakebot.core.asks import Ask, Decision
from intakebot.model import Said


def decide(ask: Ask) -> Decision:
    if ask.landed:
        return Decision(Said.DENIED, f"It has landed already, as `{ask.landed[:12]}`.")
    if not ask.open:
        return Decision(Said.DENIED, "This pull request is no longer open.")
    return Decision(
        Said.DONE,
        f"I'll land exactly `{ask.current[:12]}` as soon as everything holds; a push cancels this.",
        and_standing=True,
    )
