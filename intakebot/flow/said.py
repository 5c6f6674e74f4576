"""What was sent to a pull request before, and what the forge refused: from the receipts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from intakebot.flow.outbox import effect_key, mark_of
from intakebot.model import Effect, InlineNote, Pull, PutReport, Report, TryLater
from intakebot.store import receipts


@dataclass(frozen=True, slots=True)
class Said:
    """`keys` are the marks of all comments that were sent or tried, `recent` those of them that
    were so lately that a read may not show them yet."""

    keys: frozenset[str]
    recent: frozenset[str]
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

    def must_show(self, effects: Iterable[Effect]) -> None:
        """Raises TryLater where the forge may have taken a comment that it does not show."""
        hidden = self.recent.intersection(filter(None, map(mark_of, effects)))
        if hidden:
            raise TryLater(f"the forge may not show yet what was said: {', '.join(sorted(hidden))}")

    def has_put(self, pull: Pull, report: Report) -> bool:
        return effect_key(pull, PutReport(pull.head, report)) in self.done


MAKES_A_COMMENT = frozenset({"PostComment", "PostInline"})
DOUBT = timedelta(seconds=30)  # after which an unanswered one that is not shown was not taken


def remember_said(
    connection: sa.Connection, pull_id: int, head: str, now: datetime, lag: timedelta
) -> Said:
    """Line notes are refused for one head; statuses and reports for the whole pull request.

    `lag` is the forge's.
    """
    rows = receipts.of_pull(connection, pull_id)
    refused = [row for row in rows if row.state == "refused"]
    comments = [row for row in rows if row.kind in MAKES_A_COMMENT]
    return Said(
        keys=frozenset(filter(None, map(_key, rows))),
        recent=frozenset(_key(row) for row in comments if _is_recent(row, now, lag)),
        refused_keys=frozenset(_key(row) for row in refused if row.head == head),
        refused_kinds=frozenset(row.kind for row in refused),
        done=frozenset(row.key for row in rows if row.state == "done"),
        refused=frozenset(row.key for row in refused),
    )


def _is_recent(row: sa.Row[tuple[object, ...]], now: datetime, lag: timedelta) -> bool:
    match row.state:
        case "done":
            return bool(row.done_at > now - lag)
        case "sending":
            return bool(row.at > now - min(lag, DOUBT))
        case _:
            return False


def _key(row: sa.Row[tuple[object, ...]]) -> str:
    detail = row.detail
    return str(detail.get("key") or (detail.get("note") or {}).get("key") or "")
