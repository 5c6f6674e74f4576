"""What was sent to a pull request before, and what the forge refused: from the receipts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from intakebot.flow.outbox import effect_key
from intakebot.model import Effect, InlineNote, Pull, PutReport, Report
from intakebot.store import receipts


@dataclass(frozen=True, slots=True)
class Said:
    """`keys` are the marks of all comments that were sent or tried."""

    keys: frozenset[str]
    refused_keys: frozenset[str]
    refused_kinds: frozenset[str]
    done: frozenset[str]  # effect keys
    refused: frozenset[str]  # effect keys

    @property
    def status_refused(self) -> bool:
        return "SetStatus" in self.refused_kinds

    @property
    def report_refused(self) -> bool:
        return "PutReport" in self.refused_kinds

    def without_refused(self, notes: Mapping[str, InlineNote]) -> dict[str, InlineNote]:
        """Notes whose line the forge takes; the others stand in the status comment alone."""
        return {key: note for key, note in notes.items() if key not in self.refused_keys}

    def takes(self, pull: Pull, effect: Effect) -> bool:
        """False for exactly what the forge has refused before: it would refuse it again."""
        return effect_key(pull, effect) not in self.refused

    def has_put(self, pull: Pull, report: Report) -> bool:
        return effect_key(pull, PutReport(pull.head, report)) in self.done


def remember_said(connection: sa.Connection, pull_id: int, head: str) -> Said:
    """Line notes are refused for one head; statuses and reports for the whole pull request."""
    rows = receipts.of_pull(connection, pull_id)
    refused = [row for row in rows if row.state == "refused"]
    return Said(
        keys=frozenset(filter(None, map(_key, rows))),
        refused_keys=frozenset(_key(row) for row in refused if row.head == head),
        refused_kinds=frozenset(row.kind for row in refused),
        done=frozenset(row.key for row in rows if row.state == "done"),
        refused=frozenset(row.key for row in refused),
    )


def _key(row: sa.Row[tuple[object, ...]]) -> str:
    detail = row.detail
    return str(detail.get("key") or (detail.get("note") or {}).get("key") or "")
