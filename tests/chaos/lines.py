"""Lines that fail: between the house and the Git forge, and between its webhooks and the door."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

CHUNK = 1 << 16


class Line:
    """Passes TCP connections on to a port; may cut them before or after the work was done."""

    def __init__(self, port: int) -> None:
        self.target = ("127.0.0.1", port)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.server.getsockname()[1])
        self.cuts: list[str] = []  # "before" or "after", one for each of the next connections
        self.lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, when: str, times: int) -> None:
        with self.lock:
            self.cuts += [when] * times

    def behave(self) -> None:
        with self.lock:
            self.cuts.clear()

    def close(self) -> None:
        self.server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            with self.lock:
                cut = self.cuts.pop(0) if self.cuts else ""
            threading.Thread(target=self._pass, args=(client, cut), daemon=True).start()

    def _pass(self, client: socket.socket, cut: str) -> None:
        with client, suppress(OSError):
            if cut == "before":
                return
            with socket.create_connection(self.target) as server:
                up = threading.Thread(target=_copy, args=(client, server), daemon=True)
                up.start()
                if cut == "after":
                    server.recv(1)  # it answers, so it was done; and nobody gets to know
                    client.shutdown(socket.SHUT_RDWR)  # closing alone waits for the other thread
                    return
                _copy(server, client)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@dataclass
class Post:
    """Brings deliveries of the Git forge to the door: lost, twice, late, and in another order.

    `accepted` are the ids that the door has taken.
    """

    door: str
    chance: random.Random
    url: str = ""
    lost: float = 0.0  # the share that is lost, though their sender is told that they arrived
    twice: float = 0.0
    late: float = 0.0  # the share that comes a while later, after newer ones
    accepted: set[str] = field(default_factory=set)

    def behave(self) -> None:
        self.lost = self.twice = self.late = 0.0

    def bring(self, headers: dict[str, str], body: bytes) -> int:
        if self.chance.random() < self.lost:
            return 202
        if self.chance.random() < self.late:
            threading.Timer(self.chance.uniform(0.5, 4), self._deliver, (headers, body)).start()
            return 202
        status = self._deliver(headers, body)
        if self.chance.random() < self.twice:
            self._deliver(headers, body)
        return status

    def _deliver(self, headers: dict[str, str], body: bytes) -> int:
        try:
            answer = requests.post(self.door, data=body, headers=headers, timeout=10)
        except requests.RequestException:
            return 502
        if answer.ok:
            self.accepted.add(headers["X-Intakebot-Delivery"])
        return answer.status_code


@contextmanager
def delivering(post: Post) -> Iterator[Post]:
    class Taken(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept = {
                name: value
                for name, value in self.headers.items()
                if name.startswith("X-") or name == "Content-Type"
            }
            self.send_response(post.bring(kept, body))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taken)
    post.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield post
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
