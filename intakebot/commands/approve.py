"""approve: you have read the commit that is the head now, and it may land."""

from __future__ import annotations

from intakebot.core import roster
from intakebot.core.asks import Ask, Decision, listed
from intakebot.model import Said


def decide(ask: Ask) -> Decision:
    if not ask.open:
        return Decision(Said.DENIED, "This pull request is no longer open.")
    if reason := _too_close(ask):
        return Decision(Said.DENIED, f"{reason} {_others(ask)}")
    return Decision(Said.DONE, f"Approved `{ask.current[:12]}`. A push takes this approval away.")


def _too_close(ask: Ask) -> str:
    """Why this person's approval can't count, or ''."""
    if ask.person.id == ask.author.id:
        return "Nobody approves their own change."
    if ask.person.id in ask.pushers:
        return "You pushed to this change, so somebody else has to approve it."
    if not ask.config.same_agency_may_approve and roster.related(ask.person, ask.author):
        return f"You and the author are both from {ask.author.agency}."
    return ""


def _others(ask: Ask) -> str:
    if not ask.who_may:
        return "Nobody else on the roster can at the moment; the operator can add somebody."
    return f"{listed(ask.who_may)} can approve it."
