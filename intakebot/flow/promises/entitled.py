"""I7: nothing landed but what was open, approved, asked for, unheld and within every rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from intakebot.core.ladder import stand
from intakebot.core.rules import judge
from intakebot.flow.promises.audit import Audit, Breach
from intakebot.model import Facts, State
from intakebot.store import evidence, memory

SAYS = "Nothing landed but what was approved, asked for, unheld and within every rule"


def breaches(audit: Audit) -> Iterator[Breach]:
    for landing in audit.rows(evidence.landed()):
        audit.saw()
        with audit.house.database.read() as connection:
            facts = memory.facts_of(connection, landing.facts_digest)
            genuine = memory.facts_are_genuine(connection, landing.facts_digest)
        proof = {"commit": landing.commit, "facts": landing.facts_digest}
        if facts is None:
            yield Breach(f"#{landing.number}: what was known when it landed is gone", proof)
            continue
        if not genuine:
            yield Breach(f"#{landing.number}: what was known then was changed afterwards", proof)
        for what in (*_said(facts, landing), *_judged(audit, facts, landing)):
            yield Breach(f"#{landing.number} landed, but {what}", proof)
        if not audit.rows(evidence.merge_words(landing.pull_id, landing.asked_by, landing.head)):
            yield Breach(f"#{landing.number}: nobody said /merge for {landing.head[:12]}", proof)


def _said(facts: Facts, landing: sa.Row[Any]) -> Iterator[str]:
    if (facts.head, facts.base) != (landing.head, landing.base):
        yield f"what was known is about {facts.head[:12]} on {facts.base[:12]}"
    if facts.state != "open":
        yield f"it was {facts.state}"
    if facts.draft:
        yield "it was a draft"
    if facts.approvals < facts.approvals_needed:
        yield f"it had {facts.approvals} of {facts.approvals_needed} approvals"
    if facts.held_by:
        yield f"it was on hold by {', '.join(facts.held_by)}"
    if facts.changes_requested_by:
        yield f"changes were requested by {', '.join(facts.changes_requested_by)}"
    if not facts.merge_asked_by:
        yield "nobody had asked to merge it"


def _judged(audit: Audit, facts: Facts, landing: sa.Row[Any]) -> Iterator[str]:
    """Rules that have changed since judge what comes, not what was."""
    if landing.rules_digest != audit.house.rules_digest:
        return
    standing = stand(facts, [judge(rule, facts) for rule in audit.house.rules])
    if standing.state is not State.QUEUED:
        yield f"the rules of then put it at {standing.state.value}: {standing.why}"
