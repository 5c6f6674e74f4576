"""Whether a house kept its promises, for tests that have done it some violence."""

from __future__ import annotations

from intakebot.flow.house import House
from intakebot.flow.promises import verify
from intakebot.flow.promises.audit import Audit


def broken(house: House) -> list[str]:
    """Promises that were not kept, now that all is quiet; said in a few words each."""
    return [
        f"{kept.id}: {kept.breach.what} {dict(kept.breach.evidence)}"
        for kept in verify(Audit(house, quiet=True))
        if kept.breach is not None
    ]
