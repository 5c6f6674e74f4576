"""How values read on a page: times, badges, names with nothing hidden in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Flask, render_template

from intakebot.core.comment import STATUS_OF
from intakebot.core.escape import visible
from intakebot.core.roster import may_operate
from intakebot.model import State, Turn
from intakebot.web.front import front
from intakebot.web.markdown import rendered
from intakebot.web.visitor import csrf_token, in_session

LONGEST_LINE = 500  # characters of one line of a file or a log

# Colour and sign of each state; the word beside them says the same.
TONES: dict[State, tuple[str, str]] = {
    State.LANDED: ("good", "✓"),
    State.MERGED: ("good", "✓"),
    State.CLOSED: ("quiet", "–"),
    State.REJECTED: ("bad", "✕"),
    State.ON_HOLD: ("wait", "‖"),
    State.DRAFT: ("quiet", "○"),
    State.BLOCKED_BY_US: ("bad", "!"),
    State.NEEDS_OK_TO_TEST: ("wait", "?"),
    State.NEEDS_CHANGES: ("bad", "✎"),
    State.CHECKING: ("busy", "…"),
    State.NEEDS_REVIEW: ("wait", "?"),
    State.READY: ("good", "→"),
    State.WAITING_FOR_WINDOW: ("wait", "◷"),
    State.QUEUED: ("busy", "→"),
}
# The same for verdicts, check outcomes, how commands ended, and what `doctor` finds.
MARKS: dict[str, tuple[str, str]] = {
    "satisfied": ("good", "✓"),
    "unsatisfied": ("bad", "✕"),
    "waived": ("quiet", "–"),
    "not-applicable": ("quiet", "–"),
    "passed": ("good", "✓"),
    "failed": ("bad", "✕"),
    "broken": ("bad", "!"),
    "queued": ("busy", "…"),
    "running": ("busy", "…"),
    "done": ("good", "✓"),
    "denied": ("bad", "✕"),
    "void": ("quiet", "–"),
    "unknown": ("quiet", "?"),
    "sending": ("busy", "…"),
    "reject": ("bad", "✕"),
    "error": ("bad", "✕"),
    "warning": ("wait", "!"),
    "note": ("quiet", "i"),
    "ok": ("good", "✓"),
    "warn": ("wait", "!"),
    "fail": ("bad", "✕"),
}
VERDICT_TONES: Mapping[str, tuple[str, str]] = {
    "ready": ("good", "✓"),
    "coaching": ("busy", "↗"),
    "at risk": ("wait", "!"),
    "let go": ("bad", "✕"),
    "not enough evidence": ("quiet", "○"),
}
AGES = (("d", 86_400), ("h", 3_600), ("min", 60))


def install(app: Flask) -> None:
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        seen=seen,
        seen_lines=seen_lines,
        markdown=rendered,
        iso=iso,
        age=lambda at: age(at, front().house.now()),
        short=lambda commit: seen(commit)[:12],
    )
    app.jinja_env.globals.update(
        tones=TONES, marks=MARKS, verdict_tones=VERDICT_TONES, csrf_token=csrf_token
    )


def page(template: str, **values: Any) -> str:
    """A rendered page. File names may hold bytes that are no text; they are written out."""
    visitor = in_session()
    operates = visitor is not None and may_operate(visitor.person)
    html = render_template(template, visitor=visitor, operates=operates, **values)
    return html.encode("utf-8", "backslashreplace").decode()


def whose_turn(turn: Turn) -> str:
    return STATUS_OF[turn]


def seen(text: str) -> str:
    """One line in which every character can be seen."""
    return text if text.isascii() and text.isprintable() else visible(text)


def seen_line(text: str) -> str:
    """A line of a file: tabs stay, and what is very long is cut."""
    if text.isascii() and text.isprintable() and len(text) <= LONGEST_LINE:
        return text
    cut = text[:LONGEST_LINE]
    return "\t".join(map(seen, cut.split("\t"))) + ("…" if len(text) > LONGEST_LINE else "")


def seen_lines(text: str) -> str:
    return "\n".join(map(seen_line, text.split("\n")))


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def age(at: datetime, now: datetime) -> str:
    seconds = (now - at).total_seconds()
    for unit, length in AGES:
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "now"
