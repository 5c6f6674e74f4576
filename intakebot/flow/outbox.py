"""Sends effects, each with a receipt written before and after.

A crash in between leaves a receipt that says "sending". The next look reads the forge again:
what is there is not wanted any more, what is not is sent, and either way the receipt is closed.
What the forge refuses for good is kept as such, and the next look does without it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from intakebot import log
from intakebot.crash import crashpoint
from intakebot.flow.house import House
from intakebot.forges.api import Forge, Refused
from intakebot.model import Effect, PostComment, PostInline, Pull
from intakebot.store import marks, receipts, work
from intakebot.store.tables import pulls


@dataclass(frozen=True, slots=True)
class Sent:
    """What the forge answered: `made` names a new comment, `refused` says why not."""

    key: str
    effect: Effect
    made: str | None = None
    refused: str | None = None


def intend(
    house: House, connection: sa.Connection, pull_id: int, pull: Pull, effect: Effect
) -> None:
    """Write down what is about to be sent."""
    receipts.intend(
        connection,
        pull_id,
        effect_key(pull, effect),
        type(effect).__name__,
        pull.head,
        house.rules_digest,
        asdict(effect),
        house.now(),
    )


def send(
    house: House, forge: Forge, pull_id: int, pull: Pull, effects: Sequence[Effect]
) -> Sent | None:
    """In order; the first failure ends it (TryLater, OperatorError) and a later look goes on.

    The first effect is intended already, in the transaction that decided on it. What became of
    one is written together with the intention to send the next, and what became of the last is
    returned: the caller settles it with what it writes next.
    """
    sent: Sent | None = None
    for effect in effects:
        if sent is not None:
            with house.database.write() as connection:
                intend(house, connection, pull_id, pull, effect)
                settle(house, connection, pull_id, sent)
        crashpoint("effect.before_send")
        sent = _perform(forge, pull, effect)
    return sent


def _perform(forge: Forge, pull: Pull, effect: Effect) -> Sent:
    key = effect_key(pull, effect)
    try:
        made = forge.perform(pull, effect)
    except Refused as refused:
        kind = type(effect).__name__
        log.warning("the forge refuses it", pull=pull.url, effect=kind, why=str(refused))
        return Sent(key, effect, refused=str(refused))
    crashpoint("effect.after_send")
    return Sent(key, effect, made)


def settle(house: House, connection: sa.Connection, pull_id: int, sent: Sent | None) -> None:
    """Write down what became of it; last in its transaction, for sealing locks the chain."""
    if sent is None:
        return
    if sent.refused is not None:
        work.nudge(connection, pulls, pull_id, house.now())
        receipts.refuse(connection, pull_id, sent.key, sent.refused, house.now())
        return
    if sent.made is not None and (mark := mark_of(sent.effect)):
        marks.keep(connection, pull_id, {sent.made: mark})
    receipts.confirm(connection, pull_id, sent.key, house.now())


def mark_of(effect: Effect) -> str:
    """The mark of the comment that this effect makes; "" where it makes none."""
    match effect:
        case PostComment(key, _):
            return key
        case PostInline(note):
            return note.key
        case _:
            return ""


def effect_key(pull: Pull, effect: Effect) -> str:
    """Names one effect on one pull request at one head: the same again is the same."""
    body = json.dumps(asdict(effect), sort_keys=True, default=str)
    digest = hashlib.sha256(body.encode("utf-8", "backslashreplace")).hexdigest()[:16]
    return f"{type(effect).__name__}:{pull.head[:12]}:{digest}"
