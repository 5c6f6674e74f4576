"""I3: a pull request stands where a new look would put it, and that look writes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from intakebot.flow.promises.audit import LONG, Audit, Breach, Fresh

SAYS = "A pull request at rest stands where a new look would put it, and nothing is left to do"


def breaches(audit: Audit) -> Iterator[Breach]:
    for fresh in audit.fresh():
        audit.saw()
        if fresh.report is None or fresh.pull is None:
            continue  # gone from the forge
        standing, kept = fresh.report.judgement.standing, fresh.kept
        wrong = []
        if standing.state.value != kept.state or standing.why != kept.why:
            wrong.append(f"it stands at {kept.state} ({kept.why}), not {standing.state.value}")
        wrong += [f"left to do: {type(effect).__name__}" for effect in fresh.report.effects]
        if wrong and (audit.quiet or _is_overdue(audit, fresh)):
            proof = {"pull": fresh.pull.url, "looked": kept.looked_at, "why": standing.why}
            yield Breach("; ".join(wrong), proof)


def _is_overdue(audit: Audit, fresh: Fresh) -> bool:
    """While people are at work something may have happened a moment ago; the sweep finds it."""
    looked = fresh.kept.looked_at
    return looked is not None and audit.house.now() - looked > LONG
