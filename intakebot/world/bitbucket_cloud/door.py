"""Git over HTTP at /WORKSPACE/SLUG.git: who may read and write; `gitforge.stream` carries it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from werkzeug.wsgi import get_input_stream

from intakebot.gitforge.stream import stream
from intakebot.gitforge.talk import Answering
from intakebot.world.bitbucket_cloud import credentials, permissions, pushes
from intakebot.world.bitbucket_cloud.pre_receive import Pushing
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.site import Recorded, Site
from intakebot.world.bitbucket_cloud.state import Repository, Token

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_PATH = re.compile(r"/([^/]+)/([^/]+?)(?:\.git)?/(info/refs|git-upload-pack|git-receive-pack)")
_REASONS = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 500: "Internal Server Error"}


def wanted(path: str) -> bool:
    return _PATH.fullmatch(path) is not None


class GitDoor:
    def __init__(self, site: Site) -> None:
        self._site = site

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        found = _PATH.fullmatch(environ.get("PATH_INFO", ""))
        if found is None:
            raise ValueError("not a path of git")
        workspace, slug, resource = found.groups()
        service = environ.get("QUERY_STRING", "").removeprefix("service=")
        service = service if resource == "info/refs" else resource
        pushing = service == "git-receive-pack"
        try:
            with self._site.lock:
                repo, token = self._admit(environ, workspace, slug, pushing)
                env = self._environment(environ, repo, token, resource, service)
                answering = self._answering(repo, token) if pushing else None
        except Refusal as no:
            self._note(environ, no.status, "", pushing)
            return _refuse(no, start)
        environ["wsgi.input"] = get_input_stream(environ)
        answer = stream(environ, start, env, answering)
        by = self._site.state.users[token.user].nickname if token else ""
        if pushing and resource != "info/refs":
            return self._after_push(environ, answer, repo, token, by)
        self._note(environ, 200, by, pushing)
        return answer

    def _after_push(
        self,
        environ: WSGIEnvironment,
        answer: Iterator[bytes],
        repo: Repository,
        token: Token | None,
        by: str,
    ) -> list[bytes]:
        """The pusher hears of it only when the pull requests know, too."""
        body = list(answer)
        names = pushes.notice(self._site, repo, token.user if token else "")
        self._note(environ, 200, by, True, " ".join(names))
        return body

    def _admit(
        self, environ: WSGIEnvironment, workspace: str, slug: str, pushing: bool
    ) -> tuple[Repository, Token | None]:
        state = self._site.state
        shown = environ.get("HTTP_AUTHORIZATION", "")
        token = credentials.for_git(state, shown, self._site.moments.now())
        repo = state.repository(workspace, slug)
        if token is None:
            if repo.is_private or pushing:
                raise Refusal(401, "Authentication required")
            return repo, None
        scope = "write:repository:bitbucket" if pushing else "read:repository:bitbucket"
        if not credentials.has_scope(token, scope):
            raise Refusal(403, f"Your credentials lack the scope {scope}.")
        permissions.require(state, repo, token, "write" if pushing else "read")
        return repo, token

    def _environment(
        self,
        environ: WSGIEnvironment,
        repo: Repository,
        token: Token | None,
        resource: str,
        service: str,
    ) -> dict[str, str]:
        path = self._site.disk.path(repo.uuid)
        env = {
            **self._site.disk.environment(),
            "GATEWAY_INTERFACE": "CGI/1.1",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REQUEST_METHOD": environ["REQUEST_METHOD"],
            "GIT_PROJECT_ROOT": str(path.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{path.name}/{resource}",
            "QUERY_STRING": f"service={service}" if resource == "info/refs" else "",
            "CONTENT_TYPE": environ.get("CONTENT_TYPE", ""),
            "REMOTE_USER": token.user if token else "",
            "REMOTE_ADDR": environ.get("REMOTE_ADDR", ""),
        }
        for name, header in (
            ("GIT_PROTOCOL", "HTTP_GIT_PROTOCOL"),
            ("HTTP_CONTENT_ENCODING", "HTTP_CONTENT_ENCODING"),
        ):
            if environ.get(header):
                env[name] = environ[header]
        return env

    def _answering(self, repo: Repository, token: Token | None) -> Answering:
        user = token.user if token else "anonymous"
        closed = permissions.closed_to(self._site.state, repo, user)
        return Pushing(self._site.disk.path(repo.uuid), closed).answer

    def _note(
        self, environ: WSGIEnvironment, status: int, by: str, pushing: bool, detail: str = ""
    ) -> None:
        method = "git-push" if pushing else "git-fetch"
        path = environ.get("PATH_INFO", "")
        self._site.record(Recorded(method, path, status, by, detail=detail))


def _refuse(no: Refusal, start: StartResponse) -> list[bytes]:
    body = f"{no.message}\n".encode()
    headers: list[Any] = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
    ]
    if no.status == 401:
        headers.append(("WWW-Authenticate", 'Basic realm="Bitbucket.org HTTP"'))
    start(f"{no.status} {_REASONS[no.status]}", headers)
    return [body]
