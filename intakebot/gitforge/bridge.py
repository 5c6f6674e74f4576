"""Git over HTTP: who may reach which repository. The streaming itself is in stream.py.

A plain WSGI application in front of Flask, since Flask would limit and buffer request bodies.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intakebot.gitforge import hosting, making, people, repositories, tokens
from intakebot.gitforge.layout import MAIN, Layout, valid_login, valid_name
from intakebot.gitforge.people import Caller
from intakebot.gitforge.plumbing import environment
from intakebot.gitforge.receive import Pushing
from intakebot.gitforge.repositories import Repo
from intakebot.gitforge.store import ForgeError, connected
from intakebot.gitforge.stream import stream

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_PATH = re.compile(r"/git/([^/]+)/([^/]+)\.git/(info/refs|git-upload-pack|git-receive-pack)")
_PROTOCOL = re.compile(r"[a-z0-9=.:]{1,64}")
_SERVICES = ("git-upload-pack", "git-receive-pack")
_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    503: "Service Unavailable",
}


class Refused(Exception):
    """Its text is shown to the person by git."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True)
class Request:
    """A request for one service of one repository, its names already known to be harmless."""

    owner: str
    name: str
    resource: str
    service: str


class Bridge:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        try:
            env, pushing = self._admit(environ)
        except Refused as no:
            return _refuse(no, start)
        except (ForgeError, sqlite3.Error, OSError) as error:
            environ["wsgi.errors"].write(f"git bridge: {error}\n")
            return _refuse(Refused(503, "The forge can't do this now; try again."), start)
        return stream(environ, start, env, pushing.answer if pushing else None)

    def _admit(self, environ: WSGIEnvironment) -> tuple[dict[str, str], Pushing | None]:
        with connected(self._layout) as db:
            caller = authenticated(db, environ.get("HTTP_AUTHORIZATION", ""))
            if caller is None:
                raise Refused(401, "Unknown login or token. Your token is the password.")
            if caller.scope == "web":
                raise Refused(403, "This token is for the pages, not for Git.")
            request = _parse(environ)
            repo = self._repository(db, caller, request)
        env = self._environment(environ, caller, repo, request)
        if request.service != "git-receive-pack":
            return env, None
        hosting.check_hooks(self._layout)
        return env, Pushing(self._layout, caller, repo)

    def _repository(self, db: sqlite3.Connection, caller: Caller, request: Request) -> Repo:
        missing = Refused(404, "There is no such repository.")
        main = repositories.main_by_name(db, request.name)
        if main is None or people.level(db, caller, main.id) == "none":
            raise missing
        repo: Repo | None = main
        if request.owner != MAIN:
            if request.owner == caller.account.login and caller.scope == "person":
                repo = making.ensure_fork(db, self._layout, main, caller.account)
            else:
                repo = repositories.fork_of(db, main, request.owner)
        if repo is None or not self._inside(repo):
            raise missing
        return repo

    def _inside(self, repo: Repo) -> bool:
        """A link that leads elsewhere is not served."""
        root = os.path.realpath(self._layout.root)
        wanted = os.path.join(root, *repo.place.split("/")) + ".git"
        return os.path.realpath(repo.path(self._layout)) == wanted and os.path.isdir(wanted)

    def _environment(
        self, environ: WSGIEnvironment, caller: Caller, repo: Repo, request: Request
    ) -> dict[str, str]:
        """All that http-backend learns of the request; never its length (it would spin)."""
        env = {
            **environment(self._layout),
            "GATEWAY_INTERFACE": "CGI/1.1",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REQUEST_METHOD": environ["REQUEST_METHOD"],
            "GIT_PROJECT_ROOT": str(self._layout.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{repo.place}.git/{request.resource}",
            "QUERY_STRING": f"service={request.service}" if request.resource == "info/refs" else "",
            "CONTENT_TYPE": environ.get("CONTENT_TYPE", ""),
            "REMOTE_USER": caller.account.login,
            "REMOTE_ADDR": environ.get("REMOTE_ADDR", ""),
        }
        if environ.get("HTTP_CONTENT_ENCODING") in ("gzip", "x-gzip"):
            env["HTTP_CONTENT_ENCODING"] = "gzip"
        protocol = environ.get("HTTP_GIT_PROTOCOL", "")
        if _PROTOCOL.fullmatch(protocol):
            env["GIT_PROTOCOL"] = protocol
        return env


def authenticated(db: sqlite3.Connection, header: str) -> Caller | None:
    """From an `Authorization: Basic` header; None when it proves nobody."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        login, _, token = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return tokens.bearer(db, login, token)


def _parse(environ: WSGIEnvironment) -> Request:
    found = _PATH.fullmatch(environ.get("PATH_INFO", ""))
    if not found:
        raise Refused(404, "There is nothing here. Addresses look like /git/main/NAME.git")
    owner, name, resource = found.groups()
    if not (valid_name(name) and (owner == MAIN or valid_login(owner))):
        raise Refused(404, "There is no such repository.")
    if resource != "info/refs":
        if environ["REQUEST_METHOD"] != "POST":
            raise Refused(405, "This address takes POST alone.")
        return Request(owner, name, resource, resource)
    service = environ.get("QUERY_STRING", "").removeprefix("service=")
    if service not in _SERVICES:
        raise Refused(403, "Please use a newer git: the dumb HTTP protocol is off.")
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        raise Refused(405, "This address takes GET alone.")
    return Request(owner, name, resource, service)


def _refuse(no: Refused, start: StartResponse) -> Iterable[bytes]:
    body = f"{no.text}\n".encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    if no.status == 401:
        headers.append(("WWW-Authenticate", 'Basic realm="intakebot", charset="UTF-8"'))
    start(f"{no.status} {_REASONS[no.status]}", headers)
    return [body]
