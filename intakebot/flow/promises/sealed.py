"""I13: the chain of receipts and landings is whole."""

from __future__ import annotations

from collections.abc import Iterator

from intakebot.flow.promises.audit import Audit, Breach
from intakebot.store import chain

SAYS = "Receipts and landings are as they were written down"


def breaches(audit: Audit) -> Iterator[Breach]:
    with audit.house.database.read() as connection:
        audit.looked_at = chain.count(connection)
        if audit.known is not None and not chain.holds(connection, audit.known):
            yield Breach(
                f"link {audit.known.seq} is not the one that was kept: the chain was cut or redone",
                {"kept": str(audit.known), "tip": str(chain.tip(connection))},
            )
        for fault in chain.faults(connection):
            yield Breach(
                f"{fault.kind} {fault.row or ''}: {fault.what}".replace(" :", ":"),
                {"link": fault.seq, "kind": fault.kind, "row": fault.row},
            )
