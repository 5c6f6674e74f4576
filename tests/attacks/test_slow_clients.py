"""Clients that are slow on purpose, or never stop asking: nobody else waits for them."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest
import requests

from intakebot.world.ports import free_port
from tests.gitforge.world import make_project, running
from tests.web import served as web
from tests.web.served import event, prepare, signed

PROGRAM = """
import sys
from pathlib import Path
from intakebot.timely import Pace
from intakebot.web.server import serve
from tests.web.world import some_settings
pace = Pace(silence=5, patience=1, rate=4096)
serve(some_settings(Path(sys.argv[1])), "127.0.0.1", int(sys.argv[2]), threads=4, pace=pace)
"""


@dataclass(frozen=True)
class Door:
    """A server with four threads, and the head of a request to it that announces a body."""

    port: int
    head: bytes

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def answers_within(self, seconds: float) -> bool:
        began = time.monotonic()
        answer = requests.get(f"http://127.0.0.1:{self.port}/livez", timeout=30)
        return answer.ok and time.monotonic() - began < seconds


@pytest.fixture(scope="module", params=["the pages", "the Git forge"])
def door(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("slow")
    with ExitStack() as stack:
        make = pages if request.param == "the pages" else git_forge
        yield make(folder, stack)


def pages(folder: Path, stack: ExitStack) -> Door:
    prepare(folder)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), str(port)],
        env={**os.environ, "PYTHONPATH": str(web.ROOT)},
    )
    stack.callback(web.end, process)
    web.wait_until_live(web.Served(folder, port, process))
    lines = [f"{name}: {value}" for name, value in signed(event(1), "slow").items()]
    return Door(port, request_head(web.DOOR, lines))


def git_forge(folder: Path, stack: ExitStack) -> Door:
    server = stack.enter_context(running(folder / "state", threads=4, silence=1))
    project = make_project(server, folder / "site")
    pair = base64.b64encode(f"{project.ada.login}:{project.ada.token}".encode()).decode()
    lines = [f"Authorization: Basic {pair}", "Content-Type: application/json"]
    return Door(server.port, request_head(f"/api/repos/{project.id}/pulls", lines))


def request_head(path: str, lines: list[str]) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *lines, ""]).encode()


def drip(door: Door, first: bytes, seconds: float = 12) -> float:
    """Send `first` and then a byte now and then; how long it took to be cut off."""
    began = time.monotonic()
    with closing(door.connect()) as client:
        client.sendall(first)
        client.settimeout(0.2)
        while time.monotonic() - began < seconds:
            try:
                if not client.recv(4096):
                    break
            except TimeoutError:
                client.sendall(b"a")
            except ConnectionError:
                break
    return time.monotonic() - began


def test_connections_that_say_nothing_take_nobody_s_place(door: Door) -> None:
    with ExitStack() as clients:
        for _ in range(60):
            clients.enter_context(door.connect())
        assert door.answers_within(2)


def test_a_head_that_comes_byte_by_byte_is_cut_off(door: Door) -> None:
    assert drip(door, b"GET /livez HTTP/1.1\r\nX: ") < 8


def test_a_body_that_comes_byte_by_byte_is_cut_off(door: Door) -> None:
    assert drip(door, door.head + b"Content-Length: 1000\r\n\r\n{") < 8


def test_a_body_in_endless_small_chunks_is_cut_off(door: Door) -> None:
    assert drip(door, door.head + b"Transfer-Encoding: chunked\r\n\r\n1;") < 8


def test_one_who_never_closes_keeps_nobody_from_the_door(door: Door) -> None:
    """Whose last answer came: gunicorn itself would wait for each in the thread that accepts."""
    ask = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with ExitStack() as clients:
        for _ in range(3):
            client = clients.enter_context(door.connect())
            client.sendall(ask)
            assert client.recv(4096).startswith(b"HTTP/1.1 200")
        assert door.answers_within(1.5)


def test_those_who_ask_without_a_pause_keep_nobody_out(door: Door) -> None:
    """Twice as many as there are threads, each with its next request on the way at once."""
    ask, enough = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", Event()

    def ask_on() -> int:
        answers = 0
        with closing(door.connect()) as client:
            while not enough.is_set():
                client.sendall(ask)
                assert client.recv(4096).startswith(b"HTTP/1.1 200")
                answers += 1
        return answers

    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(ask_on) for _ in range(8)]
        try:
            assert door.answers_within(2)
        finally:
            enough.set()
        assert all(each.result() for each in asking)


def test_an_honest_sender_with_pauses_is_heard(door: Door) -> None:
    with closing(door.connect()) as client:
        for part in (b"GET /livez HTT", b"P/1.1\r\nHo", b"st: x\r\n", b"\r\n"):
            client.sendall(part)
            time.sleep(0.1)
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
