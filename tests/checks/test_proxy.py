"""The one way out: what is on the list is reached, nothing else is, and nonsense is refused."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from intakebot.checks.proxy import Hosts, open_proxy
from tests.checks.registries import Registry, serving


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as registry:
        registry.pages["/a b.json?x=1"] = b"never"
        registry.pages["/page.json?x=1"] = b'{"a": 1}'
        yield registry


def say(place: Path, request: bytes, then: bytes = b"") -> bytes:
    """What comes back until the other side has said all."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(place))
        client.sendall(request)
        answer = client.recv(65536)
        if then:
            client.sendall(then)
            answer = b""
        while data := client.recv(65536):
            answer += data
        return answer


def test_a_plain_request_reaches_the_registry_without_what_is_for_the_proxy(
    registry: Registry,
) -> None:
    with open_proxy(Hosts.read([registry.url])) as proxy:
        head = f"GET {registry.url}/page.json?x=1 HTTP/1.1\r\nHost: x\r\n"
        answer = say(proxy.place, f"{head}Proxy-Authorization: Basic eA==\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.0 200") and answer.endswith(b'{"a": 1}')
    assert registry.asked == ["/page.json?x=1"]


def test_a_tunnel_carries_what_it_is_given(registry: Registry) -> None:
    with open_proxy(Hosts.read([registry.url])) as proxy:
        connect = f"CONNECT 127.0.0.1:{registry.port} HTTP/1.1\r\n\r\n".encode()
        answer = say(proxy.place, connect, b"GET /page.json?x=1 HTTP/1.0\r\n\r\n")
    assert answer.endswith(b'{"a": 1}')


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("CONNECT 127.0.0.1:{other} HTTP/1.1", b"403"),
        ("CONNECT localhost:{port} HTTP/1.1", b"403"),  # another name for it is not on the list
        ("CONNECT 127.0.0.1 HTTP/1.1", b"400"),
        ("GET http://user:pass@127.0.0.1:{port}/ HTTP/1.1", b"400"),
        ("GET http://127.0.0.1:{port}@evil.example/ HTTP/1.1", b"400"),
        ("GET /etc/passwd HTTP/1.1", b"400"),
        ("GET http://127.0.0.1:99999/ HTTP/1.1", b"400"),
        ("CONNECT private.example:443 HTTP/1.1", b"502"),
        ("nonsense", b"400"),
        ("GET http://127.0.0.1:{port}/" + "a" * 100_000 + " HTTP/1.1", b"431"),
    ],
)
def test_what_is_not_on_the_list_is_refused(
    registry: Registry, request_line: str, status: bytes
) -> None:
    line = request_line.format(port=registry.port, other=registry.port + 1)
    hosts = Hosts.read([registry.url, "private.example"])
    with open_proxy(hosts) as proxy:
        answer = say(proxy.place, f"{line}\r\nHost: x\r\n\r\n".encode())
    assert answer.split(b" ")[1] == status, answer[:300]
    assert registry.asked == []


def test_a_name_on_the_list_never_leads_into_our_own_network() -> None:
    """`localhost` stands for any public name that somebody's DNS points inward."""
    with (
        socket.create_server(("127.0.0.1", 0)) as inside,
        open_proxy(Hosts(frozenset({"localhost"}))) as proxy,
    ):
        answer = say(proxy.place, b"CONNECT localhost:443 HTTP/1.1\r\n\r\n")
        inside.setblocking(False)
        with pytest.raises(BlockingIOError):
            inside.accept()
    assert answer.split(b" ")[1] == b"502"


@pytest.mark.parametrize("word", ["http://user@host", "http://host/path", "", "http://"])
def test_what_is_no_host_is_told(word: str) -> None:
    with pytest.raises(ValueError, match="neither a host's name nor"):
        Hosts.read([word])


def test_nothing_is_left_of_the_door() -> None:
    with open_proxy(Hosts(frozenset())) as proxy:
        place = proxy.place
        assert place.exists() and place.parent.stat().st_mode & 0o777 == 0o711
    assert not place.parent.exists()
