"""One request between a WSGI server and `git http-backend`, streamed both ways.

A push is drained to its end even when its client has gone, since its hooks may have begun to
write; a fetch whose client has gone is ended. A client that is too slow (timely.py) is cut off.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from intakebot.gitforge.backend import Backend
from intakebot.gitforge.talk import Answering, Talk

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

CHUNK = 64 * 1024
LONGEST_HEAD = 64 * 1024
_GLANCE = 0.5  # seconds between looks at a client that should only be listening
_HEADERS = {"content-type", "cache-control", "expires", "pragma", "content-length", "allow"}


def stream(
    environ: WSGIEnvironment,
    start: StartResponse,
    env: Mapping[str, str],
    answering: Answering | None,
) -> Iterator[bytes]:
    """`answering` is asked by the hooks of a push; None for a fetch, which has none."""
    client: socket.socket | None = environ.get("gunicorn.socket")
    talk = Talk(answering) if answering else None
    backend = Backend(env, talk.theirs if talk else None)
    if talk is not None:
        talk.start()
    return _Exchange(backend, environ["wsgi.input"], client, talk).answer(start)


class _Exchange:
    def __init__(
        self, backend: Backend, body: Any, client: socket.socket | None, talk: Talk | None
    ) -> None:
        self._process = backend
        self._stdin = backend.stdin
        self._stdout = backend.stdout
        self._body = body
        self._client = client
        self._talk = talk
        self._pushing = talk is not None
        self._fed = threading.Event()
        self._feeder = threading.Thread(target=self._feed, daemon=True)

    def answer(self, start: StartResponse) -> Iterator[bytes]:
        """The CGI head becomes the response's; what follows it is the body."""
        self._feeder.start()
        head, rest = self._head()
        status, headers = _parsed(head)
        start(status, headers)
        return self._rest(rest)

    def _feed(self) -> None:
        """Runs beside the answer: git answers while it still reads."""
        try:
            while chunk := self._body.read(CHUNK):
                self._pass_on(memoryview(chunk))
        except (OSError, ValueError):
            # Too slow, or gone in the middle (gunicorn's NoMoreData is an OSError).
            self._cut_off()
        finally:
            with contextlib.suppress(BrokenPipeError):
                self._stdin.close()
            self._fed.set()

    def _pass_on(self, chunk: memoryview) -> None:
        """Once git has heard enough (its answer says why), the rest is read for nobody."""
        with contextlib.suppress(BrokenPipeError):
            while chunk:
                chunk = chunk[self._stdin.write(chunk) :]

    def _cut_off(self) -> None:
        if self._client:
            with contextlib.suppress(OSError):
                self._client.shutdown(socket.SHUT_RDWR)

    def _head(self) -> tuple[bytes, bytes]:
        seen = b""
        while b"\r\n\r\n" not in seen and len(seen) < LONGEST_HEAD:
            chunk = self._read()
            if not chunk:
                break
            seen += chunk
        head, _, rest = seen.partition(b"\r\n\r\n")
        return head, rest

    def _read(self) -> bytes:
        """Up to CHUNK bytes; b"" at the end, or when there is nobody to answer a fetch to."""
        while True:
            watched = [self._stdout.fileno()]
            if self._watching():
                watched.append(self._client_number())
            ready, _, _ = select.select(watched, [], [], _GLANCE)
            if self._stdout.fileno() in ready:
                return self._stdout.read(CHUNK)
            if ready and self._client_gone():
                self._process.terminate()
                return b""

    def _watching(self) -> bool:
        """Before the body has been read, bytes from the client are its body."""
        return not self._pushing and self._client is not None and self._fed.is_set()

    def _client_number(self) -> int:
        return self._client.fileno() if self._client else -1

    def _client_gone(self) -> bool:
        if self._client is None:
            return False
        try:
            gone = self._client.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            gone = True
        if not gone:
            self._client = None  # it sends already its next request: stop looking
        return gone

    def _rest(self, chunk: bytes) -> Iterator[bytes]:
        try:
            if chunk:
                yield chunk
            while chunk := self._read():
                yield chunk
        finally:
            self._end()

    def _end(self) -> None:
        if not self._pushing:
            self._process.terminate()
        while self._stdout.read(CHUNK):
            pass
        self._stdout.close()
        self._process.wait()
        self._feeder.join()
        if self._talk is not None:
            self._talk.end()


def _parsed(head: bytes) -> tuple[str, list[tuple[str, str]]]:
    status = "200 OK"
    headers: list[tuple[str, str]] = []
    for line in head.decode("latin-1").split("\r\n"):
        name, colon, value = line.partition(":")
        if not colon:
            return "502 Bad Gateway", []
        if name.lower() == "status":
            status = value.strip()
        elif name.lower() in _HEADERS:
            headers.append((name, value.strip()))
    return status, headers
