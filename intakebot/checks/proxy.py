"""The one way out of a sandbox that may fetch packages: an HTTP proxy to a list of hosts.

It listens on a Unix socket, which is bound into the box. Inside, `FORWARD` passes 127.0.0.1:8118
on to it, since package managers know no sockets. It sends nothing of ours along, and looks into
nothing: TLS is between the package manager and the registry.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from urllib.parse import urlsplit

from intakebot import log

PORT = 8118
HEAD_BYTES = 32 << 10
SECONDS = 60  # that a line may be silent
MOST_AT_ONCE = 32
PIECE = 1 << 16
MOST_UNREAD = 32  # pieces of a request that was refused
HTTPS = 443

# Runs the command after it, with 127.0.0.1:8118 passed on to the door meanwhile.
FORWARD = """
import socket, subprocess, sys, threading
door, port, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]

def pour(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    try:
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass

def serve(one):
    with one, socket.socket(socket.AF_UNIX) as out:
        out.connect(door)
        back = threading.Thread(target=pour, args=(out, one), daemon=True)
        back.start()
        pour(one, out)
        back.join()

def listen(server):
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

server = socket.create_server(("127.0.0.1", port))
threading.Thread(target=listen, args=(server,), daemon=True).start()
sys.exit(subprocess.run(command).returncode % 256)
"""
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


def environment() -> dict[str, str]:
    """What makes package managers in the box use it."""
    return {**dict.fromkeys(VARIABLES, f"http://127.0.0.1:{PORT}"), "NO_PROXY": "", "no_proxy": ""}


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where packages may come from: names, reached on port 443, or `http://name:port`.

    A name leads to public addresses alone. One that an operator gives with its port may lead into
    the operator's own network.
    """

    names: frozenset[str]
    plain: frozenset[tuple[str, int]] = frozenset()

    @classmethod
    def read(cls, words: Iterable[str]) -> Hosts:
        """Raises ValueError for what is neither a name nor http://name:port."""
        names, plain = set(), set()
        for word in words:
            parts = urlsplit(word if "//" in word else f"//{word}")
            if not parts.hostname or parts.path or parts.query or parts.username:
                raise ValueError(f"{word!r} is neither a host's name nor http://name:port")
            if parts.port is not None:
                plain.add((parts.hostname.lower(), parts.port))
            else:
                names.add(parts.hostname.lower())
        return cls(frozenset(names), frozenset(plain))

    def allow(self, host: str, port: int) -> bool:
        return (host, port) in self.plain or (host in self.names and port == HTTPS)


class Refused(Exception):
    """What the package manager is told, with a status."""

    def __init__(self, status: str, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass
class Proxy:
    """`refused` are the hosts that were asked for and are not on the list."""

    hosts: Hosts
    place: Path
    refused: set[str] = field(default_factory=set)
    _slots: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(MOST_AT_ONCE)
    )

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # closed: it is over
                return
            threading.Thread(target=self._take, args=(client,), daemon=True).start()

    def _take(self, client: socket.socket) -> None:
        with client, self._slots:
            client.settimeout(SECONDS)
            try:
                self._answer(client)
            except Refused as refused:
                body = f"{refused}\n".encode()
                head = f"HTTP/1.1 {refused.status}\r\nContent-Length: {len(body)}\r\n"
                with suppress(OSError):
                    client.sendall(f"{head}Connection: close\r\n\r\n".encode() + body)
                    client.shutdown(socket.SHUT_WR)
                    for _ in range(MOST_UNREAD):  # what is left unread would take the answer along
                        if not client.recv(PIECE):
                            break
            except OSError as error:
                log.warning("package fetch broke off", why=str(error))

    def _answer(self, client: socket.socket) -> None:
        head, rest = _head(client)
        method, target, version = _request(head)
        if method == "CONNECT":
            host, port = _host_and_port(f"//{target}", None)
            with closing(self._connect(host, port)) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _pour_both(client, server, rest)
            return
        host, port = _host_and_port(target, 80)
        parts = urlsplit(target)
        path = parts._replace(scheme="", netloc="").geturl() or "/"
        lines = [f"{method} {path} {version}".encode(), *_own(head), b"Connection: close"]
        with closing(self._connect(host, port)) as server:
            _pour_both(client, server, b"\r\n".join(lines) + b"\r\n\r\n" + rest)

    def _connect(self, host: str, port: int) -> socket.socket:
        if not self.hosts.allow(host, port):
            self.refused.add(f"{host}:{port}")
            raise Refused("403 Forbidden", f"{host}:{port} is not on the list of registries")
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Refused("502 Bad Gateway", f"{host} can't be found: {error}") from error
        if (host, port) not in self.hosts.plain:
            found = [one for one in found if ipaddress.ip_address(one[4][0]).is_global]
        for family, kind, protocol, _, address in found:
            made = socket.socket(family, kind, protocol)
            made.settimeout(SECONDS)
            try:
                made.connect(address)
            except OSError:
                made.close()
                continue
            return made
        raise Refused("502 Bad Gateway", f"{host}:{port} can't be reached")


@contextmanager
def open_proxy(hosts: Hosts) -> Iterator[Proxy]:
    """Serving, at `place`, which any user of this machine may connect to and no other find."""
    folder = Path(tempfile.mkdtemp(prefix="intakebot-door-"))
    try:
        folder.chmod(0o711)
        with socket.socket(socket.AF_UNIX) as listener:
            proxy = Proxy(hosts, folder / os.urandom(16).hex())
            listener.bind(str(proxy.place))
            proxy.place.chmod(0o666)
            listener.listen(MOST_AT_ONCE)
            accepting = threading.Thread(target=proxy.serve, args=(listener,), daemon=True)
            accepting.start()
            try:
                yield proxy
            finally:
                with suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
                accepting.join()  # else it could accept on whatever has the number next
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _head(client: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        if len(data) > HEAD_BYTES:
            raise Refused("431 Request Header Fields Too Large", "the head of the request is long")
        more = client.recv(PIECE)
        if not more:
            raise Refused("400 Bad Request", "the request ended early")
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def _request(head: bytes) -> tuple[str, str, str]:
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise Refused("400 Bad Request", "this is no HTTP request")
    return words[0], words[1], words[2]


def _host_and_port(url: str, default: int | None) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or default
    except ValueError as error:
        raise Refused("400 Bad Request", f"{url[:100]!r} has no port") from error
    if not parts.hostname or port is None or parts.username is not None:
        raise Refused("400 Bad Request", f"{url[:100]!r} names no host and port")
    return parts.hostname.lower(), port


def _own(head: bytes) -> list[bytes]:
    """The headers that are for the server."""
    lines = head.split(b"\r\n")[1:]
    hop = (b"proxy-", b"connection:", b"keep-alive:", b"upgrade:", b"te:")
    return [line for line in lines if not line.lower().startswith(hop)]


def _pour_both(client: socket.socket, server: socket.socket, first: bytes) -> None:
    """Until both sides have said all, or one is silent for too long."""
    server.sendall(first)
    other = {client: server, server: client}
    with DefaultSelector() as selector:
        for side in other:
            selector.register(side, EVENT_READ)
        while selector.get_map():
            ready = selector.select(SECONDS)
            if not ready:
                return
            for key, _ in ready:
                one: socket.socket = key.fileobj  # type: ignore[assignment]
                data = one.recv(PIECE)
                if data:
                    other[one].sendall(data)
                    continue
                selector.unregister(one)
                with suppress(OSError):
                    other[one].shutdown(socket.SHUT_WR)
                if one is server:
                    return
