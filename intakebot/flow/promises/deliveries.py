"""I1: a delivery that was answered with 2xx is worked off, or there is a reason why not."""

from __future__ import annotations

from collections.abc import Iterator

from intakebot.flow.promises.audit import LONG, Audit, Breach
from intakebot.store import evidence

SAYS = "Every delivery that was accepted is worked off, or says why not"


def breaches(audit: Audit) -> Iterator[Breach]:
    now = audit.house.now()
    for row in audit.rows(evidence.deliveries()):
        audit.saw()
        proof = {"delivery": row.delivery_id, "forge": row.forge, "received": row.received_at}
        if row.ignored:
            continue
        if row.wanted is None:
            yield Breach("it was kept, and nobody was told to look", proof)
        elif row.done >= row.wanted:
            continue
        elif audit.quiet or (not row.problem and now - row.received_at > LONG):
            yield Breach(
                f"nobody has looked since it came ({row.done} of {row.wanted})",
                {**proof, "pull": row.pull_id, "problem": row.problem},
            )
