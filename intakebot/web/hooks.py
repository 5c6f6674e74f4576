"""The door for webhooks. Nothing is parsed before the signature holds, nothing answered 202
before it is committed, and nothing a sender can send makes it fail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from werkzeug.datastructures import Headers
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
from intakebot.web.headers import PROTECTING, REQUEST_ID, new_request_id, protect

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

OWN = Ignored("our own")
_JSON = "application/json"
_HEADERS = (("Content-Type", _JSON), *PROTECTING.items())
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
            said = self.take(request, dialect, address[2])
        except Exception as error:
            response = _refused(error, request_id)
            protect(response.headers, request_id)
            return response(environ, start_response)
        # A Response would be made, dressed and taken apart again in the time of a signature.
        status = "200 OK" if said["status"] == "repeat" else "202 ACCEPTED"
        text = _text(said)
        start_response(
            status, [*_HEADERS, (REQUEST_ID, request_id), ("Content-Length", str(len(text)))]
        )
        return [text]

    def take(self, request: Request, dialect: Dialect, nonce: str | None) -> Mapping[str, str]:
        """What is answered to a delivery that is stored; `status` is "repeat" for a second one."""
        if request.method != "POST":
            raise MethodNotAllowed(["POST"])
        if nonce is not None and not dialects.is_nonce(nonce):
            raise NotFound
        body = read_json_bytes(request)
        headers = _heard(dialect, request.headers)
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
            headers=headers,
            received_at=self.front.house.now(),
            nonce=nonce,
        )
        is_new = self.front.inbox.take(delivery, event)
        crashpoint("hook.before_reply")
        if not is_new:
            return {"status": "repeat"}
        if isinstance(event, Ignored):
            return {"status": "ignored", "why": event.why}
        return {"status": "accepted"}

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


def _text(said: Mapping[str, str]) -> bytes:
    return json.dumps(said).encode() + b"\n"


def _refused(error: Exception, request_id: str) -> Response:
    refusal = refusals.meant(error, request_id)
    told = refusals.as_json(refusals.sentence(refusal), request_id)
    response = Response(_text(told), mimetype=_JSON)
    refusals.dress(response, refusal)
    return response


def _delivery_id(dialect: Dialect, headers: Mapping[str, str]) -> str:
    found = dialects.delivery_id(dialect, headers)
    if found is None:
        raise BadRequest(f"The header {dialect.delivery.id} is missing, or not a plain id.")
    return found


def _heard(dialect: Dialect, headers: Headers) -> dict[str, str]:
    """Only the dialect's own headers: others may hold cookies and passwords."""
    names = (dialect.delivery.id, dialect.delivery.event, dialect.signature.header)
    given = {name: headers.get(name) for name in names}
    return {name: value for name, value in given.items() if value is not None}
