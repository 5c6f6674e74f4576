"""Wanted minus seen: the effects that bring a pull request to where it should be, and no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from intakebot.core.ladder import unsatisfied
from intakebot.model import (
    BotComment,
    Decline,
    EditComment,
    Effect,
    Facts,
    InlineNote,
    Level,
    Look,
    PostComment,
    PostInline,
    PullState,
    PutReport,
    Report,
    ResolveInline,
    ReviewState,
    SetReview,
    SetStatus,
    Status,
    Verdict,
)

STATUS = "status"
MOST_INLINE_EVER = 100  # on one pull request, the resolved ones too


def plan(
    wanted: Look, seen: Look, ids: Mapping[str, BotComment], head: str, reason: str = ""
) -> list[Effect]:
    """In the order they are sent: places first, words about them next, closing last.

    `ids` maps the marks that are at the forge to the comments that carry them. Sending the
    result and planning again gives nothing.
    """
    effects: list[Effect] = list(_inline(wanted, seen, ids))
    effects += _comments(wanted, seen, ids)
    if wanted.status is not None and wanted.status != seen.status:
        effects.append(SetStatus(head, wanted.status))
    if wanted.report is not None and wanted.report != seen.report:
        effects.append(PutReport(head, wanted.report))
    if wanted.review != seen.review:
        effects.append(SetReview(head, wanted.review))
    if wanted.declined and not seen.declined:
        effects.append(Decline(reason))
    return effects


def _inline(wanted: Look, seen: Look, ids: Mapping[str, BotComment]) -> Iterator[Effect]:
    missing = [note for key, note in wanted.inline.items() if key not in seen.inline]
    room = max(0, MOST_INLINE_EVER - len(seen.inline))
    yield from map(PostInline, missing[:room])  # the status comment and the page list them all
    for key in seen.inline if wanted.settled else ():
        # One that somebody replied to is a conversation by now: it stays.
        if key not in wanted.inline and not ids[key].resolved and not ids[key].replied:
            yield ResolveInline(key, ids[key].id)


def _comments(wanted: Look, seen: Look, ids: Mapping[str, BotComment]) -> Iterator[Effect]:
    for key, text in wanted.comments.items():
        if key not in seen.comments:
            yield PostComment(key, text)
        elif key == STATUS and seen.comments[key] != text:
            yield EditComment(key, ids[key].id, text)


def seen_look(
    marks: Mapping[str, BotComment],
    status: Status | None,
    state: PullState,
    review: ReviewState | None = None,
    report: Report | None = None,
) -> Look:
    """The bot's marks as the forge has them; of the report, what was put there last."""
    return Look(
        comments={key: mark.text for key, mark in marks.items() if mark.path is None},
        inline={
            key: InlineNote(key, mark.path, mark.line or 0, mark.text)
            for key, mark in marks.items()
            if mark.path is not None
        },
        status=status,
        declined=state is not PullState.OPEN,
        review=review,
        report=report,
    )


def closing_time(
    facts: Facts, verdicts: Sequence[Verdict], created_at: datetime
) -> datetime | None:
    """When a rejected pull request is closed; None when no rule rejects it.

    Somebody whose first change this is gets the longest grace of the rules that reject it.
    """
    rejecting = unsatisfied(verdicts, Level.REJECT)
    if not rejecting:
        return None
    grace = max(verdict.grace for verdict in rejecting) if facts.first_time else 0
    return created_at + timedelta(seconds=grace)
