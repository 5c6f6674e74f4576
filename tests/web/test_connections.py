"""What a client sees of a connection, which it may keep for as many requests as it likes."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.web.served import DOOR, Served, event, signed

ASK = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def client(served: Served) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        yield connection


def test_an_answer_that_is_nothing_but_a_head_is_not_held_back(client: socket.socket) -> None:
    for _ in range(2):
        client.sendall(ASK.replace(b"GET", b"HEAD"))
        assert client.recv(1 << 16).endswith(b"\r\n\r\n")


def test_a_file_comes_after_its_head(client: socket.socket) -> None:
    client.sendall(ASK.replace(b"/livez", b"/static/style.css"))
    assert client.recv(1 << 16).startswith(b"HTTP/1.1 200 ")


def test_who_asks_before_the_first_answer_gets_both(client: socket.socket) -> None:
    client.sendall(ASK + ASK)
    whole = b""
    while whole.count(b'{"status":"ok"}') < 2:
        more = client.recv(1 << 16)
        assert more, whole
        whole += more


def test_who_wants_to_be_told_to_go_on_is_told_before_the_body(client: socket.socket) -> None:
    body = event(7)
    lines = [f"{name}: {value}" for name, value in signed(body, "expecting").items()]
    head = [f"POST {DOOR} HTTP/1.1", "Host: x", "Expect: 100-continue", *lines]
    length = f"Content-Length: {len(body)}"
    client.sendall("\r\n".join([*head, length, "", ""]).encode())
    assert client.recv(1 << 16).startswith(b"HTTP/1.1 100 ")
    client.sendall(body)
    assert client.recv(1 << 16).startswith(b"HTTP/1.1 202 ")
