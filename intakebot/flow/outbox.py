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
class _Sent:
    """What the forge answered: `made` names a new comment, `refused` says why not."""

    key: str
    effect: Effect
    made: str | None = None
    refused: str | None = None


def send(house: House, forge: Forge, pull_id: int, pull: Pull, effects: Sequence[Effect]) -> None:
    """In order; the first failure ends it (TryLater, OperatorError) and a later look goes on.

    What became of one effect is written together with the intention to send the next.
    """
    sent: _Sent | None = None
    for effect in effects:
        key = effect_key(pull, effect)
        with house.database.write() as connection:
            receipts.intend(
                connection,
                pull_id,
                key,
                type(effect).__name__,
                pull.head,
                house.rules_digest,
                asdict(effect),
                house.now(),
            )
            if sent is not None:
                _settle(house, connection, pull_id, sent)
        crashpoint("effect.before_send")
        sent = _perform(forge, pull, effect, key)
    if sent is not None:
        with house.database.write() as connection:
            _settle(house, connection, pull_id, sent)


def _perform(forge: Forge, pull: Pull, effect: Effect, key: str) -> _Sent:
    try:
        made = forge.perform(pull, effect)
    except Refused as refused:
        kind = type(effect).__name__
        log.warning("the forge refuses it", pull=pull.url, effect=kind, why=str(refused))
        return _Sent(key, effect, refused=str(refused))
    crashpoint("effect.after_send")
    return _Sent(key, effect, made)


def _settle(house: House, connection: sa.Connection, pull_id: int, sent: _Sent) -> None:
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
