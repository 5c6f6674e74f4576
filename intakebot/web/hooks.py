"""The door for webhooks. Nothing is parsed before the signature holds, nothing answered 202
before it is committed, and nothing a sender can send makes it fail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from werkzeug.exceptions import BadRequest, MethodNotAllowed, NotFound, Unauthorized
from werkzeug.wrappers import Request, Response

from intakebot import log
from intakebot.core import dialect as dialects
from intakebot.core.dialect import Dialect
from intakebot.core.strict_json import BadBody
from intakebot.crash import crashpoint
from intakebot.model import Delivery, Event, Ignored, Kind
from intakebot.web import refusals
from intakebot.web.body import MOST, read_json_bytes
from intakebot.web.front import Front
from intakebot.web.headers import new_request_id, protect

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

OWN = Ignored("our own")
_ADDRESS = re.compile(r"/hooks/([^/]+)(?:/([^/]+))?")


class Hooks:
    """Answers at the addresses of each forge that has a secret, and hands on all other requests.

    `/hooks/<forge>` is signed with that secret, `/hooks/<forge>/<nonce>` with one derived from it;
    a forge without a secret has no door at all. A small WSGI application before Flask's: a delivery
    has no session and sees no page, and the way to both was a seventh of its time.
    """

    def __init__(self, others: WSGIApplication, front: Front) -> None:
        self.others = others
        self.front = front
        secrets = front.settings.webhook_secrets
        self.doors = {name: one for name, one in front.dialects.items() if secrets.get(name)}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        address = _ADDRESS.fullmatch(environ.get("PATH_INFO", ""))
        dialect = self.doors.get(address[1]) if address else None
        if address is None or dialect is None:
            return self.others(environ, start_response)
        request_id = new_request_id()
        try:
            # Kept out of `environ`, which it keeps: a body must not wait for the garbage collector.
            request = _Request(environ, populate_request=False)
            response = self.take(request, dialect, address[2])
        except Exception as error:
            response = _refused(error, request_id)
        protect(response.headers, request_id)
        return response(environ, start_response)

    def take(self, request: Request, dialect: Dialect, nonce: str | None) -> Response:
        if request.method != "POST":
            raise MethodNotAllowed(["POST"])
        if nonce is not None and not dialects.is_nonce(nonce):
            raise NotFound
        body = read_json_bytes(request)
        headers = dict(request.headers)
        secrets = dialects.secrets_at(nonce, self.front.settings.webhook_secrets[dialect.forge])
        if not dialects.verify(dialect, headers, body, secrets):
            log.warning("delivery refused: its signature is missing or wrong", forge=dialect.forge)
            raise Unauthorized("The signature is missing or wrong.")
        crashpoint("hook.after_verify")
        event = self._event(dialect, headers, body)
        delivery = Delivery(
            forge=dialect.forge,
            id=_delivery_id(dialect, headers),
            body=body,
            headers=_kept(dialect, headers),
            received_at=self.front.house.now(),
            nonce=nonce,
        )
        is_new = self.front.inbox.take(delivery, event)
        crashpoint("hook.before_reply")
        if not is_new:
            return _answer({"status": "repeat"}, 200)
        if isinstance(event, Ignored):
            return _answer({"status": "ignored", "why": event.why}, 202)
        return _answer({"status": "accepted"}, 202)

    def _event(self, dialect: Dialect, headers: Mapping[str, str], body: bytes) -> Event | Ignored:
        try:
            event = dialects.read_event(dialect, headers, body)
        except BadBody as error:
            raise BadRequest(str(error)) from error
        return OWN if isinstance(event, Event) and self._is_our_own(event) else event

    def _is_our_own(self, event: Event) -> bool:
        """The bot's own comments and statuses come back as deliveries and change nothing."""
        if event.kind not in (Kind.COMMENT, Kind.STATUS) or event.actor is None:
            return False
        return event.actor == self.front.own.id_at(event.forge)


class _Request(Request):
    max_content_length = MOST + 1  # one without a length ends there, and is seen to be too long


def _answer(said: Mapping[str, str], status: int = 200) -> Response:
    return Response(json.dumps(said) + "\n", status, mimetype="application/json")


def _refused(error: Exception, request_id: str) -> Response:
    refusal = refusals.meant(error, request_id)
    response = _answer(refusals.as_json(refusals.sentence(refusal), request_id))
    refusals.dress(response, refusal)
    return response


def _delivery_id(dialect: Dialect, headers: Mapping[str, str]) -> str:
    found = dialects.delivery_id(dialect, headers)
    if found is None:
        raise BadRequest(f"The header {dialect.delivery.id} is missing, or not a plain id.")
    return found


def _kept(dialect: Dialect, headers: Mapping[str, str]) -> dict[str, str]:
    """Only the dialect's own headers: others may hold cookies and passwords."""
    names = (dialect.delivery.id, dialect.delivery.event, dialect.signature.header)
    given = {name.lower(): value for name, value in headers.items()}
    return {name: given[name.lower()] for name in names if name.lower() in given}
