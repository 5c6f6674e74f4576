"""A server on 127.0.0.1 that answers as told, for what no well-behaved product does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass(frozen=True)
class Say:
    """`body` bytes are sent as they are, anything else as JSON; `cut` sends nothing at all."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False

    def sent(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


@dataclass
class Script:
    """The next answers, the last of which is said again and again, and what was asked."""

    answers: list[Say]
    url: str = ""
    asked: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)  # Authorization of each request
    bodies: list[bytes] = field(default_factory=list)

    def next(self) -> Say:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def scripted(*answers: Say) -> Iterator[Script]:
    script = Script(list(answers))

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            script.asked.append(f"{self.command} {self.path}")
            script.shown.append(self.headers.get("Authorization", ""))
            script.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            say = script.next()
            self.close_connection = True
            if say.cut:
                return
            self.send_response(say.status)
            for name, value in say.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(say.sent())))
            self.end_headers()
            self.wfile.write(say.sent())

        do_GET = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, format: str, *args: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_port}/2.0"
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
