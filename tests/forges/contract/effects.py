"""One effect of each kind, and what the product would still do for them to be seen."""

from __future__ import annotations

from intakebot.core.marks import resolve
from intakebot.core.plan import plan, seen_look
from intakebot.forges.api import Ability
from intakebot.model import (
    Decline,
    Effect,
    Finding,
    InlineNote,
    Level,
    Look,
    PostComment,
    PostInline,
    PutReport,
    Report,
    SetReview,
    SetStatus,
    Status,
)
from tests.forges.contract.bench import Bench, read

NOTE = InlineNote("finding:1", "banner.html", 1, "A fault.")
CHECKING = Status("pending", "checking: nobody has to do anything", "http://127.0.0.1/x")
FINDING = Finding("banner.html", 1, Level.ERROR, "html-title", "No title.")
REPORT = Report("failed", "1 finding", "See the lines.", "http://127.0.0.1/x", (FINDING,))
NEEDED = {SetReview: Ability.REVIEW, PutReport: Ability.REPORT}


def possible(bench: Bench, head: str) -> list[Effect]:
    """One of each kind that needs nothing to be there, as far as this forge can show it."""
    effects: list[Effect] = [
        PostComment("status", "It stands."),
        PostInline(NOTE),
        SetStatus(head, CHECKING),
        SetReview(head, "changes_requested"),
        PutReport(head, REPORT),
        Decline("because"),
    ]
    abilities = {None, *bench.forge.abilities}
    return [effect for effect in effects if NEEDED.get(type(effect)) in abilities]


def wanted(bench: Bench) -> Look:
    abilities = bench.forge.abilities
    return Look(
        comments={"status": "It stands."},
        inline={NOTE.key: NOTE},
        status=CHECKING,
        declined=True,
        review="changes_requested" if Ability.REVIEW in abilities else None,
        report=None,
    )


def missing(bench: Bench, number: int) -> list[Effect]:
    """What the product would do now: wanted minus seen."""
    pull = read(bench, number)
    bots = [one for one in pull.comments if one.by.id == bench.id_of("bot")]
    found = resolve(bots, {}, ("status", NOTE.key))
    seen = seen_look(found, pull.status, pull.state, pull.review)
    return plan(wanted(bench), seen, found, pull.head)
