"""Signed webhook deliveries of a real one's size and shape, and a client that sends them fast."""

from __future__ import annotations

import hashlib
import hmac
import json
import selectors
import socket
import time
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

SIZE = 20 * 1024  # bytes of a body


@dataclass(frozen=True, slots=True)
class Delivery:
    """`request` is the whole HTTP request."""

    id: str
    request: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """`seconds` count from when it was due, so that one slow answer shows in those behind it."""

    delivery: str
    status: int
    seconds: float


def delivery(secret: str, repo: str, number: int, size: int = SIZE) -> Delivery:
    """That something happened to pull request `number` of the Git forge's repository `repo`."""
    name = str(uuid.uuid4())
    body, signature = _signed(secret, repo, number, size)
    head = (
        "POST /hooks/git HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "X-Intakebot-Event: pull",
        f"X-Intakebot-Delivery: {name}",
        f"X-Intakebot-Signature: sha256={signature}",
    )
    return Delivery(name, "\r\n".join(head).encode() + b"\r\n\r\n" + body)


@cache
def _signed(secret: str, repo: str, number: int, size: int) -> tuple[bytes, str]:
    body = _body(repo, number, size)
    return body, hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _body(repo: str, number: int, size: int) -> bytes:
    """Padded with commits, as forges do, rather than with one long text."""
    found = {
        "event": "pull",
        "repository": {"id": repo, "name": "site"},
        "number": number,
        "sha": uuid.uuid4().hex + "00000000",
        "actor": {"id": "2", "login": "ada"},
        "at": "2026-03-02T09:01:00Z",
        "commits": [],
        "padding": "",
    }
    commits: list[object] = found["commits"]  # type: ignore[assignment]
    while (room := size - len(json.dumps(found))) > 600:
        commits.append(_commit(len(commits)))
    found["padding"] = "." * room
    return json.dumps(found).encode()


def _commit(index: int) -> dict[str, object]:
    return {
        "hash": uuid.uuid4().hex + "00000000",
        "message": f"Put up banner {index} for the spring sale\n\nIt was asked for by the shop.",
        "author": {"id": "2", "login": "ada", "name": "Ada Alder", "kind": "user"},
        "parents": [{"hash": uuid.uuid4().hex + "00000000", "type": "commit"}],
        "links": {"html": f"http://127.0.0.1/commits/{index}", "diff": None},
        "added": index,
        "removed": 0,
    }


def send(
    port: int, deliveries: Sequence[Delivery], clients: int, per_second: float = 0
) -> list[Answer]:
    """All of them over `clients` kept connections; as fast as they are answered, or at a rate."""
    answers: list[Answer] = []
    with selectors.DefaultSelector() as selector:
        idle = deque(_Connection(port) for _ in range(clients))
        started = time.perf_counter()
        coming = _due(deliveries, started, per_second)
        waiting = next(coming, None)
        while waiting or selector.get_map():
            while waiting and idle and waiting[0] <= time.perf_counter():
                connection = idle.popleft()
                connection.start(waiting[1], waiting[0] if per_second else time.perf_counter())
                selector.register(connection.socket, selectors.EVENT_READ, connection)
                waiting = next(coming, None)
            pause = waiting[0] - time.perf_counter() if waiting and idle else None
            for key, _ in selector.select(pause if pause is None else max(pause, 0)):
                connection = key.data
                if answer := connection.answer():
                    selector.unregister(connection.socket)
                    idle.append(connection)
                    answers.append(answer)
        for connection in idle:
            connection.socket.close()
    return answers


def _due(
    deliveries: Sequence[Delivery], started: float, per_second: float
) -> Iterator[tuple[float, Delivery]]:
    for index, each in enumerate(deliveries):
        yield started + (index / per_second if per_second else 0), each


class _Connection:
    """One kept connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.read = b""
        self.due = 0.0
        self.delivery = ""

    def start(self, delivery: Delivery, due: float) -> None:
        self.read, self.due, self.delivery = b"", due, delivery.id
        self.socket.sendall(delivery.request)

    def answer(self) -> Answer | None:
        """Once it is whole. Raises ConnectionError when the server hangs up before."""
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the server closed the connection without an answer")
        self.read += data
        head, end, body = self.read.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return None
        status = int(head.split(b" ", 2)[1])
        return Answer(self.delivery, status, time.perf_counter() - self.due)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError("an answer without a Content-Length")
