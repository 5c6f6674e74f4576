"""Sends effects, each with a receipt written before and after.

A crash in between leaves a receipt that says "sending". The next look reads the forge again:
what is there is not wanted any more, what is not is sent, and either way the receipt is closed.
What the forge refuses for good is kept as such, and the next look does without it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

from intakebot import log
from intakebot.crash import crashpoint
from intakebot.flow.house import House
from intakebot.forges.api import Forge, Refused
from intakebot.model import Effect, PostComment, PostInline, Pull
from intakebot.store import marks, receipts, work
from intakebot.store.tables import pulls


def send(house: House, forge: Forge, pull_id: int, pull: Pull, effects: Sequence[Effect]) -> None:
    """In order; the first failure ends it (TryLater, OperatorError) and a later look goes on."""
    for effect in effects:
        key = effect_key(pull, effect)
        kind = type(effect).__name__
        with house.database.write() as connection:
            receipts.intend(
                connection,
                pull_id,
                key,
                kind,
                pull.head,
                house.rules_digest,
                asdict(effect),
                house.now(),
            )
        crashpoint("effect.before_send")
        try:
            made = forge.perform(pull, effect)
        except Refused as refused:
            log.warning("the forge refuses it", pull=pull.url, effect=kind, why=str(refused))
            with house.database.write() as connection:
                work.nudge(connection, pulls, pull_id, house.now())
                receipts.refuse(connection, pull_id, key, str(refused), house.now())
            continue
        crashpoint("effect.after_send")
        with house.database.write() as connection:
            if made is not None and (mark := mark_of(effect)):
                marks.keep(connection, pull_id, {made: mark})
            receipts.confirm(connection, pull_id, key, house.now())


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
