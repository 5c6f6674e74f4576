"""The door for webhooks. Nothing is parsed before the signature holds, nothing answered 202
before it is committed, and nothing a sender can send makes it fail.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, abort, jsonify, request

from intakebot import log
from intakebot.core import dialect as dialects
from intakebot.core.dialect import Dialect
from intakebot.core.strict_json import BadBody
from intakebot.crash import crashpoint
from intakebot.model import Delivery, Event, Ignored, Kind
from intakebot.web.body import read_json_bytes
from intakebot.web.front import front

OWN = Ignored("our own")


def make_hooks(known: Mapping[str, Dialect], secrets: Mapping[str, tuple[str, ...]]) -> Blueprint:
    """The addresses of each forge that has a secret; a forge without one has no door at all.

    `/hooks/<forge>` is signed with that secret, `/hooks/<forge>/<nonce>` with one derived from it.
    """
    hooks = Blueprint("hooks", __name__)
    for forge in known:
        if secrets.get(forge):
            for place in (f"/hooks/{forge}", f"/hooks/{forge}/<nonce>"):
                hooks.add_url_rule(place, forge, take, methods=["POST"], defaults={"forge": forge})
    return hooks


def take(forge: str, nonce: str | None = None) -> tuple[Response, int]:
    if nonce is not None and not dialects.is_nonce(nonce):
        abort(404)
    dialect = front().dialects[forge]
    body = read_json_bytes()
    headers = dict(request.headers)
    secrets = dialects.secrets_at(nonce, front().settings.webhook_secrets[forge])
    if not dialects.verify(dialect, headers, body, secrets):
        log.warning("delivery refused: its signature is missing or wrong", forge=forge)
        abort(401, "The signature is missing or wrong.")
    crashpoint("hook.after_verify")
    event = _event(dialect, headers, body)
    delivery = Delivery(
        forge=forge,
        id=_delivery_id(dialect, headers),
        body=body,
        headers=_kept(dialect, headers),
        received_at=front().house.now(),
        nonce=nonce,
    )
    is_new = front().inbox.take(delivery, event)
    crashpoint("hook.before_reply")
    if not is_new:
        return jsonify(status="repeat"), 200
    if isinstance(event, Ignored):
        return jsonify(status="ignored", why=event.why), 202
    return jsonify(status="accepted"), 202


def _event(dialect: Dialect, headers: Mapping[str, str], body: bytes) -> Event | Ignored:
    try:
        event = dialects.read_event(dialect, headers, body)
    except BadBody as error:
        abort(400, str(error))
    return OWN if isinstance(event, Event) and _is_our_own(event) else event


def _is_our_own(event: Event) -> bool:
    """The bot's own comments and statuses come back as deliveries and change nothing."""
    if event.kind not in (Kind.COMMENT, Kind.STATUS) or event.actor is None:
        return False
    return event.actor == front().own.id_at(event.forge)


def _delivery_id(dialect: Dialect, headers: Mapping[str, str]) -> str:
    found = dialects.delivery_id(dialect, headers)
    if found is None:
        abort(400, f"The header {dialect.delivery.id} is missing, or not a plain id.")
    return found


def _kept(dialect: Dialect, headers: Mapping[str, str]) -> dict[str, str]:
    """Only the dialect's own headers: others may hold cookies and passwords."""
    names = (dialect.delivery.id, dialect.delivery.event, dialect.signature.header)
    given = {name.lower(): value for name, value in headers.items()}
    return {name: given[name.lower()] for name in names if name.lower() in given}
