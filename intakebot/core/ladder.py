"""Where a pull request stands and whose turn it is: the first rung that holds.

Nothing here is remembered. The standing follows from facts and verdicts alone, so a lost
webhook, a restart or a repeat can delay it but never falsify it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from intakebot.core.asks import listed
from intakebot.model import Facts, Level, Standing, State, Turn, Verdict, VerdictState

Verdicts = Sequence[Verdict]
# The sentence that says why a rung holds, or None when it doesn't.
Rung = Callable[[Facts, Verdicts], str | None]


def landed(facts: Facts, _: Verdicts) -> str | None:
    if not facts.landed:
        return None
    said = f"Landed on {facts.target_branch} as {facts.landed[:12]}."
    if not facts.landed_anew:
        return said
    return f"{said} Its commits were made anew for that, so it is closed here, not shown as merged."


def merged(facts: Facts, _: Verdicts) -> str | None:
    return "The forge says it is merged; I did not land it." if facts.state == "merged" else None


def closed(facts: Facts, verdicts: Verdicts) -> str | None:
    """One that we declined stays rejected, for as long as the rule still says so."""
    if facts.state == "declined" and _rejection(verdicts):
        return None
    return "It was closed." if facts.state in ("closed", "declined") else None


def rejected(_: Facts, verdicts: Verdicts) -> str | None:
    return _rejection(verdicts)


def on_hold(facts: Facts, _: Verdicts) -> str | None:
    return f"On hold by {listed(facts.held_by, 'and')}." if facts.held_by else None


def draft(facts: Facts, _: Verdicts) -> str | None:
    return "It is marked as a draft." if facts.draft else None


def blocked_by_us(facts: Facts, verdicts: Verdicts) -> str | None:
    reasons = list(facts.blocked_by_us)
    reasons += [f"check {name} could not run" for name in facts.checks_broken]
    reasons += [
        f"rule {verdict.rule} is broken"
        for verdict in verdicts
        if verdict.state is VerdictState.BROKEN
    ]
    return f"Something on our side is wrong: {'; '.join(reasons)}." if reasons else None


def unreadable(facts: Facts, _: Verdicts) -> str | None:
    return f"We can't read your fork: {facts.unreadable}." if facts.unreadable else None


def needs_ok_to_test(facts: Facts, _: Verdicts) -> str | None:
    if facts.cleared_to_test:
        return None
    if facts.locks_changed:
        files = listed(facts.locks_changed, "and")
        return f"Checks wait until a maintainer has looked at {files}: it says what is installed."
    if facts.checks_elsewhere:
        names = listed(facts.checks_elsewhere, "and")
        return (
            f"Checks wait until a maintainer has looked at this commit: {names} "
            f"{'runs' if len(facts.checks_elsewhere) == 1 else 'run'} beside secrets."
        )
    return "Checks wait until a maintainer has looked at this first change."


def needs_changes(facts: Facts, verdicts: Verdicts) -> str | None:
    reasons = [f"“{verdict.summary}”" for verdict in unsatisfied(verdicts, Level.ERROR)]
    if facts.changes_requested_by:
        reasons.append(f"changes requested by {listed(facts.changes_requested_by, 'and')}")
    if facts.landing_failed:
        reasons.append(facts.landing_failed)
    return f"Not met yet: {'; '.join(reasons)}." if reasons else None


def checking(facts: Facts, _: Verdicts) -> str | None:
    return f"Running {listed(facts.checks_pending, 'and')}." if facts.checks_pending else None


def needs_review(facts: Facts, _: Verdicts) -> str | None:
    if facts.approvals >= facts.approvals_needed:
        return None
    return f"{facts.approvals} of {facts.approvals_needed} approvals for this commit."


def queued(facts: Facts, _: Verdicts) -> str | None:
    return f"{facts.merge_asked_by} asked to merge it." if facts.merge_asked_by else None


def ready(_: Facts, __: Verdicts) -> str | None:
    return "Everything holds; nobody has asked to merge it yet."


LADDER: tuple[tuple[State, Turn, Rung], ...] = (
    (State.LANDED, Turn.NOBODY, landed),
    (State.MERGED, Turn.NOBODY, merged),
    (State.CLOSED, Turn.NOBODY, closed),
    (State.REJECTED, Turn.AUTHOR, rejected),
    (State.ON_HOLD, Turn.MAINTAINER, on_hold),
    (State.DRAFT, Turn.AUTHOR, draft),
    (State.BLOCKED_BY_US, Turn.AUTHOR, unreadable),
    (State.BLOCKED_BY_US, Turn.OPERATOR, blocked_by_us),
    (State.NEEDS_OK_TO_TEST, Turn.MAINTAINER, needs_ok_to_test),
    (State.NEEDS_CHANGES, Turn.AUTHOR, needs_changes),
    (State.CHECKING, Turn.BOT, checking),
    (State.NEEDS_REVIEW, Turn.REVIEWER, needs_review),
    (State.QUEUED, Turn.BOT, queued),
    (State.READY, Turn.MAINTAINER, ready),
)


def stand(facts: Facts, verdicts: Verdicts) -> Standing:
    for state, turn, rung in LADDER:
        why = rung(facts, verdicts)
        if why is not None:
            return Standing(state, turn, why)
    raise AssertionError("the last rung always holds")


def unsatisfied(verdicts: Verdicts, *levels: Level) -> list[Verdict]:
    return [
        verdict
        for verdict in verdicts
        if verdict.state is VerdictState.UNSATISFIED and (not levels or verdict.level in levels)
    ]


def _rejection(verdicts: Verdicts) -> str | None:
    reasons = [f"“{verdict.summary}”" for verdict in unsatisfied(verdicts, Level.REJECT)]
    return f"Not taken, because of {listed(reasons, 'and')}." if reasons else None
