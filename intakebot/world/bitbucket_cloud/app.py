"""The front: one WSGI application that answers the API below /2.0 and git everywhere else."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, MapAdapter, Rule
from werkzeug.wrappers import Request, Response

from intakebot.world.bitbucket_cloud import credentials, oauth
from intakebot.world.bitbucket_cloud.api import ROUTES
from intakebot.world.bitbucket_cloud.api.call import Answer, Call, Route
from intakebot.world.bitbucket_cloud.contract import Contract
from intakebot.world.bitbucket_cloud.door import GitDoor, wanted
from intakebot.world.bitbucket_cloud.limits import Limits
from intakebot.world.bitbucket_cloud.mischief import HTML, Answering, Cutting
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.site import Recorded, Site
from intakebot.world.bitbucket_cloud.state import Token

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BASE = "/2.0"
_RULES = Map(
    [Rule(one.path, methods=[one.method], endpoint=one) for one in ROUTES], strict_slashes=False
)


class Cut(ConnectionAbortedError):
    """The server takes it as its client having gone."""


@dataclass(slots=True)
class _Seen:
    """What the log will say of a call."""

    by: str = ""
    token: str = ""
    status: int = 0
    done: bool = True


class App:
    def __init__(self, site: Site, contract: Contract) -> None:
        self.site = site
        self.contract = contract
        self.limits = Limits()
        self._git = GitDoor(site)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if wanted(path):
            return self._behind_mischief(environ, start, f"git {path}", self._git)
        if path in (oauth.PLACE, oauth.ASKED_AT):
            name = f"{environ['REQUEST_METHOD']} {path}"
            return self._behind_mischief(environ, start, name, self._oauth)
        if not path.startswith(f"{BASE}/"):
            return Response("Not found", 404)(environ, start)
        return self._api(Request(environ), environ, start)

    def _oauth(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        answer = oauth.grant if request.path == oauth.PLACE else oauth.ask
        return answer(self.site, request)(environ, start)

    def _behind_mischief(
        self, environ: WSGIEnvironment, start: StartResponse, call: str, work: WSGIApplication
    ) -> Iterable[bytes]:
        """What is not of the API knows mischief, too; git as "git /workspace/slug.git/..."."""
        self.site.mischief.run_callbacks(call)
        trap = self.site.mischief.trapped(call)
        if isinstance(trap, Answering):
            return Response(HTML if trap.html else "", trap.status)(environ, start)
        if trap is not None and not trap.after:
            return _cut(environ)
        answer = work(environ, start)
        if trap is not None:
            for _ in answer:
                pass
            return _cut(environ)
        return answer

    def _api(
        self, request: Request, environ: WSGIEnvironment, start: StartResponse
    ) -> Iterable[bytes]:
        path = request.path.removeprefix(BASE)
        name = f"{request.method} {path}"
        self.site.mischief.run_callbacks(name)
        trap = self.site.mischief.trapped(name)
        seen = _Seen()
        response: Response | None = None
        if isinstance(trap, Answering):
            seen.done = False
            response = _trapped(trap)
        elif trap is None or trap.after:
            response = self._answered(request, path, seen)
        if response is None or isinstance(trap, Cutting):
            seen.done = response is not None
            response = None
        seen.status = response.status_code if response else 0
        self._record(request, path, seen)
        return response(environ, start) if response else _cut(environ)

    def _record(self, request: Request, path: str, seen: _Seen) -> None:
        query = request.query_string.decode()
        self.site.record(
            Recorded(request.method, path, seen.status, seen.by, seen.token, query, done=seen.done)
        )

    def _answered(self, request: Request, path: str, seen: _Seen) -> Response:
        limits: dict[str, str] = {}
        route: Route | None = None
        args: dict[str, Any] = {}
        try:
            route, args = self._route(request, path)
            with self.site.lock:
                token = self._known(request, seen)
                limits = self.limits.count(token, path, self.site.moments.now())
                answer = self._done(request, path, route, args, token)
        except Refusal as no:
            answer = Answer(no.status, no.body)
        response = _response(answer)
        response.headers.extend(limits)
        if route is not None:
            self.contract.check_answer(request, _flat(path, args), response)
        return response

    def _route(self, request: Request, path: str) -> tuple[Route, dict[str, Any]]:
        adapter: MapAdapter = _RULES.bind("api.bitbucket.org")
        try:
            route, args = adapter.match(path, method=request.method)
        except MethodNotAllowed as error:
            raise Refusal(405, "Method not allowed") from error
        except HTTPException as error:
            raise Refusal(404, "Resource not found") from error
        return route, dict(args)

    def _known(self, request: Request, seen: _Seen) -> Token | None:
        shown = request.headers.get("Authorization", "")
        token = credentials.for_api(self.site.state, shown, self.site.moments.now())
        if token:
            seen.by = self.site.state.users[token.user].nickname
            seen.token = token.secret
        return token

    def _done(
        self, request: Request, path: str, route: Route, args: dict[str, Any], token: Token | None
    ) -> Answer:
        if token and not credentials.has_scope(token, route.scope):
            raise Refusal(
                403,
                "Your credentials lack one or more required privilege scopes.",
                detail={"required": [route.scope], "granted": sorted(token.scopes)},
            )
        self.contract.check_request(request, _flat(path, args))
        state = self.site.mischief.seen(request.method, path)
        body = _body(request)
        call = Call(self.site, state, token, request.method, path, args, request.args, body)
        return route.view(call)


def _flat(path: str, args: dict[str, Any]) -> str:
    """As the contract needs it: a branch's slash belongs to its name, not to the path."""
    for value in args.values():
        if isinstance(value, str) and "/" in value:
            path = path.replace(value, quote(value, safe=""))
    return path


def _body(request: Request) -> Any:
    text = request.get_data()
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise Refusal(400, "Bad request: the body is not JSON") from error


def _response(answer: Answer) -> Response:
    headers = dict(answer.headers)
    if answer.text is not None:
        return Response(answer.text, answer.status, headers, mimetype="text/plain")
    if answer.body is None:
        return Response(status=answer.status, headers=headers)
    return Response(json.dumps(answer.body), answer.status, headers, mimetype="application/json")


def _trapped(trap: Answering) -> Response:
    headers = {} if trap.retry_after is None else {"Retry-After": str(trap.retry_after)}
    if trap.html:
        return Response(HTML, trap.status, headers, mimetype="text/html")
    if trap.text is not None:
        return Response(trap.text, trap.status, headers, mimetype="application/json")
    said = {429: "Rate limit for this resource has been exceeded", 555: "Timed out, retry later"}
    message = said.get(trap.status, "Something went wrong")
    return _response(Answer(trap.status, Refusal(trap.status, message).body, headers))


def _cut(environ: WSGIEnvironment) -> Iterable[bytes]:
    """End the connection without a word."""
    peer: socket.socket = environ["werkzeug.socket"]
    with contextlib.suppress(OSError):
        peer.shutdown(socket.SHUT_RDWR)
    raise Cut("cut on purpose")
