"""Gunicorn's threaded worker, made so that clients who are slow on purpose hold nobody up, and
that those in a hurry are answered sooner.

A connection takes a thread only once it has sent something. From then on its owner spends our
patience while we wait for more, and every byte earns a little of it back: one byte now and then,
be it of the head or of the body, ends like none at all. Closing waits in the connection's own
thread, where gunicorn would wait in the one that accepts everybody.

A connection that was answered keeps its thread for a moment while nobody else waits for one: to
hand it back and be handed it again takes longer than many an answer does.
"""

from __future__ import annotations

import contextlib
import ctypes
import select
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import NoMoreData
from gunicorn.workers.gthread import _DEFER, ThreadWorker

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_PR_SET_PDEATHSIG = 1
_STAY = 5  # milliseconds that a thread waits for more from whom it has answered
_LINGER = 2.0  # seconds
_DRAINED = 64 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Pace:
    """How slow a client may be."""

    silence: float  # seconds without a byte, in either direction
    patience: float  # seconds of waiting in all, at any time
    rate: int  # bytes that earn one of these seconds back


class Client(socket.socket):
    """An accepted connection, which takes over from the plain socket that it is made of."""

    def __init__(self, accepted: socket.socket, pace: Pace) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        self._pace = pace
        self._patience: float | None = None  # None between requests
        self._begins = False  # whether what is sent next is the head of an answer
        self._head = b""  # that is still held back

    @contextlib.contextmanager
    def requesting(self) -> Iterator[None]:
        """Around one request: reading and answering it takes no longer than the pace allows."""
        self._patience, self._begins = self._pace.patience, True
        try:
            yield
            with contextlib.suppress(OSError):  # who has gone is noticed at the next read
                self._flush()
        finally:
            self._patience = None

    def sendall(self, data: ReadableBuffer, flags: int = 0) -> None:
        """The head of an answer waits for what follows, and goes out with it: two packets would
        wake up two machines twice."""
        if self._begins:
            self._begins, self._head = False, bytes(data)
        else:
            head, self._head = self._head, b""
            super().sendall(b"".join((head, data)), flags)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        self._flush()
        return super().sendfile(file, offset, count)

    def _flush(self) -> None:
        if self._head:  # an answer may be nothing else
            self.sendall(b"")

    def setblocking(self, flag: bool) -> None:
        """Gunicorn asks for one that blocks, on which nobody waits for ever, and between requests
        for one that doesn't, on which nobody waits at all: one is as good as the other.

        It asks also once `_linger` has closed it.
        """
        if self.fileno() >= 0:
            self._wait_at_most(self._pace.silence)

    def recv(self, size: int, flags: int = 0) -> bytes:
        if self._patience is None or flags:  # a glance takes nothing
            return super().recv(size, flags)
        began = time.monotonic()
        data = self._recv_within(min(self._patience, self._pace.silence), size)
        earned = len(data) / self._pace.rate - (time.monotonic() - began)
        self._patience = min(self._patience + earned, self._pace.patience)
        return data

    def _recv_within(self, seconds: float, size: int) -> bytes:
        """Raises NoMoreData, which gunicorn and werkzeug know as a client that has gone."""
        if seconds <= 0:
            raise NoMoreData("too slow")
        self._wait_at_most(seconds)
        try:
            return super().recv(size)
        except TimeoutError:
            raise NoMoreData("too slow") from None
        finally:
            self._wait_at_most(self._pace.silence)

    def _wait_at_most(self, seconds: float) -> None:
        """A call to the system, so not made to say what holds already."""
        if self.gettimeout() != seconds:
            self.settimeout(seconds)


class _Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    pace: Pace

    def handle(self, conn: Any) -> Any:
        if not conn.initialized and not conn.wait_for_data(0):
            return _DEFER  # gunicorn would keep a thread for it for five seconds
        if not isinstance(conn.sock, Client):
            conn.sock = Client(conn.sock, self.pace)
        answer = self._answer(conn)
        while answer is True and self._is_asked_again(conn):
            answer = self._answer(conn)
        if answer is False:
            _let_go(conn)
            _linger(conn.sock)
        return answer

    def _answer(self, conn: Any) -> Any:
        with conn.sock.requesting():
            return super().handle(conn)

    def _is_asked_again(self, conn: Any) -> bool:
        """Within _STAY, and while nobody else waits for a thread."""
        if not self.alive or not self.tpool._work_queue.empty():
            return False
        poll = select.poll()
        poll.register(conn.sock, select.POLLIN)
        return bool(poll.poll(_STAY))


def worker(pace: Pace) -> type[Any]:
    """For gunicorn's `worker_class`."""
    return type("Worker", (_Worker,), {"pace": pace})


def _let_go(conn: Any) -> None:
    """Gunicorn's request, the reader of its chunked body and a generator hold each other and what
    was read, two megabytes of a body that was too large, until a garbage collection."""
    request = getattr(conn.parser, "mesg", None)
    reader = getattr(getattr(request, "body", None), "reader", None)
    if request is not None and isinstance(reader, ChunkedReader):
        request.body = reader.parser = None


def _linger(client: socket.socket) -> None:
    """Say goodbye and read on a little, so that the last answer is not lost to a reset; then
    close, so that who goes on sending hears of it."""
    end, drained = time.monotonic() + _LINGER, 0
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_WR)
        while drained < _DRAINED and (left := end - time.monotonic()) > 0:
            client.settimeout(left)
            data = client.recv(4096)
            if not data:
                break
            drained += len(data)
    client.close()


def die_with_parent(_arbiter: Any, _worker: Any) -> None:
    """For gunicorn's `post_fork`: the worker process never outlives its parent."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
