"""The webhook door, through the running web process."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intakebot.model import OperatorError
from intakebot.web.app import create_app
from intakebot.web.server import serve
from tests.crashes import cases
from tests.databases import Databases
from tests.web.forge import BOT
from tests.web.served import (
    DOOR,
    RECORDINGS,
    Answer,
    Served,
    event,
    prepare,
    recorded,
    serving,
    signed,
    stored,
    wait_until_live,
)
from tests.web.world import World, some_settings

MOST = 1 << 20
BODY = event(1)
GOOD = signed(BODY, "refused")
SIGNATURE = GOOD["X-Intakebot-Signature"]


def ids(served: Served) -> list[str]:
    return [row.delivery_id for row in served.stored()]


@pytest.fixture(scope="module")
def stalled(served: Served) -> Iterator[list[socket.socket]]:
    """Senders that stopped in the middle of a body: half as many as there are threads."""
    head = "\r\n".join(f"{key}: {value}" for key, value in GOOD.items())
    with ExitStack() as clients:
        opened = [
            clients.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=30))
            for _ in range(8)
        ]
        for client in opened:
            client.sendall(
                f"POST {DOOR} HTTP/1.1\r\nContent-Length: 99\r\n{head}\r\n\r\n{{".encode()
            )
        yield opened


def test_stalled_senders_keep_nobody_else_from_the_door(
    served: Served, stalled: list[socket.socket]
) -> None:
    body = event(3)
    assert len(stalled) == 8
    assert served.deliver(body, signed(body, "beside the stalled")).status == 202


@dataclass(frozen=True)
class Blocked:
    """A web process while another writer holds its database, and a delivery on its way to it."""

    served: Served
    release: Callable[[], None]
    waiting: Future[Answer]


@pytest.fixture(scope="module")
def blocked(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[Blocked]:
    folder = tmp_path_factory.mktemp("blocked")
    with databases.house(folder) as url:
        prepare(folder)
        with (
            serving(folder) as served,
            ThreadPoolExecutor(1) as sender,
            ExitStack() as lock,
        ):
            lock.enter_context(databases.held(url))
            waiting = sender.submit(served.deliver, BODY, signed(BODY, "patient"))
            yield Blocked(served, lock.close, waiting)


def test_while_another_writer_holds_the_database_the_web_process_is_live_and_not_ready(
    blocked: Blocked,
) -> None:
    ready = blocked.served.ask("GET", "/readyz")
    assert (ready.status, ready.json) == (503, {"status": "database"})
    assert blocked.served.ask("GET", "/livez").status == 200


@pytest.mark.parametrize("name", sorted(path.name for path in RECORDINGS.glob("*.http")))
def test_every_recorded_delivery_is_taken_once_and_a_repeat_says_so(
    served: Served, name: str
) -> None:
    headers, body = recorded(name)
    first, again = served.deliver(body, headers), served.deliver(body, headers)
    assert first.status == 202
    assert first.json["status"] in ("accepted", "ignored")
    assert (again.status, again.json) == (200, {"status": "repeat"})
    assert ids(served).count(headers["X-Intakebot-Delivery"]) == 1


def test_repeats_that_come_together_with_others_are_told_and_nudge_nothing(served: Served) -> None:
    body = event(41)
    new, names = [f"together {n}" for n in range(12)], ["the old one", "the old one"]
    assert served.deliver(body, signed(body, names[0])).status == 202
    with ThreadPoolExecutor(14) as senders:
        answers = senders.map(lambda name: served.deliver(body, signed(body, name)), names + new)
    assert [answer.status for answer in answers] == [200] * 2 + [202] * 12
    rows = {row.delivery_id: row.wanted for row in served.stored()}
    assert served.deliver(body, signed(body, names[0])).status == 200
    assert served.deliver(body, signed(body, "after them")).status == 202
    after = {row.delivery_id: row.wanted for row in served.stored()}
    assert after == rows | {"after them": max(rows[name] for name in new) + 1}


def test_a_delivery_is_kept_with_its_bytes_and_only_the_dialects_headers(served: Served) -> None:
    body = event(7)
    served.deliver(
        body, signed(body, "kept", Authorization="Basic c2VjcmV0", Cookie="intakebot=secret")
    )
    row = next(row for row in served.stored() if row.delivery_id == "kept")
    assert row.body == body
    assert sorted(row.headers) == [
        "X-Intakebot-Delivery",
        "X-Intakebot-Event",
        "X-Intakebot-Signature",
    ]


def test_an_ignored_delivery_says_why_and_is_kept_with_the_reason(served: Served) -> None:
    body = event(7)
    answer = served.deliver(body, signed(body, "a-wiki", "wiki"))
    assert (answer.status, answer.json["status"]) == (202, "ignored")
    row = next(row for row in served.stored() if row.delivery_id == "a-wiki")
    assert row.ignored == answer.json["why"] == "nothing is done on the event 'wiki'"


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in GOOD.items() if key != name}


def refusals() -> Iterator[tuple[str, str, str, bytes, dict[str, str], int]]:
    """(what, method, path, body, headers, status)"""
    yield "an unknown forge", "POST", "/hooks/bitbucket", BODY, GOOD, 404
    yield "no forge", "POST", "/hooks/", BODY, GOOD, 404
    yield "a doubled slash", "POST", "//hooks/git", BODY, GOOD, 404
    yield "a slash too many", "POST", "/hooks/git/", BODY, GOOD, 404
    yield "dots", "POST", "/hooks/..;/git", BODY, GOOD, 404
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"):
        yield method, method, DOOR, b"", {}, 405
    override = {**GOOD, "X-HTTP-Method-Override": "POST"}
    yield "an overridden method", "GET", DOOR, b"", override, 405
    yield "a body too large", "POST", DOOR, b" " * (MOST + 1), GOOD, 413
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""):
        yield f"type {kind!r}", "POST", DOOR, BODY, {**GOOD, "Content-Type": kind}, 415
    yield "an encoding", "POST", DOOR, BODY, {**GOOD, "Content-Encoding": "gzip"}, 415
    yield "no signature", "POST", DOOR, BODY, without("X-Intakebot-Signature"), 401
    for wrong in (
        "",
        SIGNATURE[:-1],
        SIGNATURE.replace("sha256=", "sha1="),
        SIGNATURE.removeprefix("sha256="),
        f"sha256={'0' * 64}",
        "sha256=ÿ",
    ):
        headers = {**GOOD, "X-Intakebot-Signature": wrong}
        yield f"signature {wrong[:12]!a}", "POST", DOOR, BODY, headers, 401
    yield "an altered body", "POST", DOOR, BODY + b" ", GOOD, 401
    yield "unsigned nonsense", "POST", DOOR, b"[" * 100_000, GOOD, 401
    yield "no delivery id", "POST", DOOR, BODY, without("X-Intakebot-Delivery"), 400
    for bad in (
        b"",
        b"{",
        b'{"a": 1, "a": 2}',
        b"[" * 100_000,
        b"NaN",
        b"1e999",
        b"9" * 5_000,
        b'"\\ud800"',
        b'"\\u0000"',
        b"\xff\xfe{\0}\0",
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
    ):
        yield f"body {bad[:12]!r}", "POST", DOOR, bad, signed(bad, "refused"), 400


REFUSALS = list(refusals())


@pytest.mark.parametrize("case", REFUSALS, ids=[case[0] for case in REFUSALS])
def test_what_is_refused_gets_its_status_and_is_not_stored(
    served: Served, case: tuple[str, str, str, bytes, dict[str, str], int]
) -> None:
    _, method, path, body, headers, status = case
    answer = served.ask(method, path, body, headers)
    assert answer.status == status
    assert "refused" not in ids(served)
    for secret in ("test-secret", str(served.folder), "Traceback"):
        assert secret not in answer.text
    if method != "HEAD" and path.startswith("/hooks/"):
        assert answer.json["request"] == answer.headers["X-Request-Id"]


def test_a_chunked_body_is_cut_off_at_the_limit(served: Served) -> None:
    def endless() -> Iterator[bytes]:
        yield from (b"x" * 65_536 for _ in range(20))

    answer = chunked(served, endless())
    assert answer.status == 413
    assert "refused" not in ids(served)


def test_a_chunked_body_of_decent_size_is_taken(served: Served) -> None:
    body = event(5)
    answer = chunked(served, iter([body[:10], body[10:]]), signed(body, "in-chunks"))
    assert answer.status == 202
    assert "in-chunks" in ids(served)


def worker_memory(served: Served) -> int:
    """Bytes that the process which answers holds."""
    parent = served.process.pid
    (child,) = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    status = Path(f"/proc/{child}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


@pytest.mark.parametrize("said", ["Content-Length: 31457280", "Transfer-Encoding: chunked"])
def test_a_body_that_is_too_large_is_refused_before_it_is_taken_in(
    served: Served, said: str
) -> None:
    lines = [said, *(f"{key}: {value}" for key, value in GOOD.items())]
    before = worker_memory(served)
    assert [flood(served, lines) for _ in range(12)] == [b"413"] * 12
    assert worker_memory(served) - before < 8 * MOST  # and not two for each


def flood(served: Served, lines: list[str]) -> bytes:
    """Send 30 MB, or as much as is taken; the status of the answer."""
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=20)) as client:
        head = "\r\n".join([f"POST {DOOR} HTTP/1.1", "Host: x", *lines, "", ""])
        client.sendall(head.encode())
        with suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(30):
                client.sendall(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
        return client.recv(4_096).split()[1]


def raw(served: Served, lines: list[str], body: bytes = BODY) -> int:
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=20)) as client:
        head = [f"POST {DOOR} HTTP/1.1", "Host: x", "Connection: close", *lines, "", ""]
        client.sendall("\r\n".join(head).encode() + body)
        return int(client.recv(4_096).split()[1])


LINES = [f"{key}: {value}" for key, value in GOOD.items()]
LENGTH = f"Content-Length: {len(BODY)}"
SMUGGLED = [
    ("two signatures", [*LINES, "X-Intakebot-Signature: sha256=00", LENGTH], 401),
    ("a name with an underscore", [*LINES[:-1], LINES[-1].replace("-", "_"), LENGTH], 401),
    ("two lengths", [*LINES, LENGTH, "Content-Length: 5"], 400),
    ("a length and chunks", [*LINES, LENGTH, "Transfer-Encoding: chunked"], 400),
    ("a folded line", [*LINES, " and more", LENGTH], 400),
    ("many lines", [*LINES, LENGTH, *(f"X-{number}: 1" for number in range(60))], 431),
    ("a long line", [*LINES, LENGTH, "X: " + "1" * 9_000], 431),
]


@pytest.mark.parametrize(
    ("lines", "status"), [case[1:] for case in SMUGGLED], ids=[case[0] for case in SMUGGLED]
)
def test_a_head_that_could_be_read_in_two_ways_is_refused(
    served: Served, lines: list[str], status: int
) -> None:
    assert raw(served, lines) == status
    assert "refused" not in ids(served)


def test_no_request_writes_anything_but_whole_lines_of_ours_into_the_log(
    tmp_path: Path,
) -> None:
    """Each refused head is one event, and none can end a line or move a cursor."""
    heads = [
        b"GET /\x1b[2J\xe2\x80\xa8{} HTTP/1.1\r\nHost: x",
        b"G\x1bT / HTTP/1.1",
        b"GET / HTTP/9.9\x9b31m",
        b"GET / HTTP/1.1\r\nBad\x1bName: y",
        b'GET / HTTP/1.1\r\nHost: x\r\nX: y\x0b\x0c\x85"level": "info"',
    ]
    prepare(tmp_path)
    with serving(tmp_path) as served:
        for head in heads:
            with closing(socket.create_connection(("127.0.0.1", served.port), 20)) as client:
                client.sendall(head + b"\r\n\r\n")
                client.recv(4_096)
        served.deliver(BODY, {**GOOD, "X-Intakebot-Signature": "sha256=\x1b[31m"})
        lines = served.log().splitlines()
    assert len(lines) >= len(heads)
    for line in lines:
        assert line.isascii() and line.isprintable()
        assert {"ts", "level", "msg"} <= set(json.loads(line))


def chunked(
    served: Served, pieces: Iterator[bytes], headers: dict[str, str] | None = None
) -> Answer:
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=20)) as client:
        lines = [f"POST {DOOR} HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"]
        lines += [f"{key}: {value}" for key, value in (headers or GOOD).items()]
        client.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        try:
            for piece in pieces:
                client.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            client.sendall(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has heard enough
        said = b"".join(iter(lambda: client.recv(65_536), b"")).decode()
    head, _, text = said.partition("\r\n\r\n")
    return Answer(int(head.split()[1]), {}, text)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["repository", "id", "number", "actor", "comment", "text", "sha"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ),
    st.sampled_from(["pull", "comment", "review", "push", "status", "incident", "x"]),
)
def test_a_signed_body_of_any_shape_is_never_a_fault_of_ours(
    world: World, document: object, kind: str
) -> None:
    body = world.app.json.dumps(document).encode()
    answer = world.app.test_client().post(
        DOOR, data=body, headers=signed(body, f"fuzz-{hash(body)}", kind)
    )
    assert answer.status_code in (200, 202, 400)


def test_a_thousand_deliveries_at_once_are_all_stored(served: Served) -> None:
    bodies = {f"one-of-{number}": event(number) for number in range(1, 1_001)}
    with ThreadPoolExecutor(16) as senders:
        answers = list(
            senders.map(
                lambda name: served.deliver(bodies[name], signed(bodies[name], name)), bodies
            )
        )
    assert {answer.status for answer in answers} == {202}
    assert set(bodies) <= set(ids(served))


@pytest.mark.parametrize(("step", "times"), cases("web"))
def test_what_was_answered_202_survives_a_kill_and_a_resend_is_stored_once(
    tmp_path: Path, databases: Databases, step: str, times: int
) -> None:
    with databases.house(tmp_path):
        prepare(tmp_path)
        survives_a_kill(tmp_path, step, times)


def survives_a_kill(tmp_path: Path, step: str, times: int) -> None:
    bodies = {f"delivery-{number}": event(number) for number in range(1, 6)}
    taken: set[str] = set()
    with serving(tmp_path, crash=f"{step}:{times}@{tmp_path / 'killed'}") as served:
        with suppress(OSError, HTTPException):
            for name, body in bodies.items():
                taken |= {name} if served.deliver(body, signed(body, name)).status == 202 else set()
        assert (tmp_path / "killed").exists()
        assert len(taken) == times - 1
        assert taken <= {row.delivery_id for row in stored(tmp_path)}
        wait_until_live(served)
        statuses = {
            name: served.deliver(body, signed(body, name)).status for name, body in bodies.items()
        }
    assert set(statuses.values()) <= {200, 202}
    assert all(statuses[name] == 200 for name in taken)
    assert sorted(row.delivery_id for row in stored(tmp_path)) == sorted(bodies)


def test_what_the_bot_itself_did_is_kept_as_ignored(world: World) -> None:
    headers, body = recorded("status__success.http")  # its actor is account 1, the bot
    answer = world.app.test_client().post(DOOR, data=body, headers=headers)
    assert (answer.status_code, answer.json) == (202, {"status": "ignored", "why": "our own"})
    assert BOT.id == "1"
    assert [row.ignored for row in stored(world.folder)] == ["our own"]


@pytest.mark.alone
def test_a_forge_that_is_down_neither_delays_nor_fails_a_delivery(world: World) -> None:
    world.forge.down = True
    headers, body = recorded("status__success.http")
    started = time.monotonic()
    answer = world.app.test_client().post(DOOR, data=body, headers=headers)
    assert (answer.status_code, answer.json) == (202, {"status": "accepted"})
    assert time.monotonic() - started < 2


def test_a_stalled_body_is_given_up(stalled: list[socket.socket]) -> None:
    for client in stalled:
        assert client.recv(4_096).startswith(b"HTTP/1.1 400")


def test_a_sender_waits_for_the_database_and_is_then_asked_to_try_again(blocked: Blocked) -> None:
    refused = blocked.waiting.result(30)
    blocked.release()
    assert refused.status == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert blocked.served.deliver(BODY, signed(BODY, "patient")).status == 202
    assert ids(blocked.served) == ["patient"]
    assert blocked.served.ask("GET", "/readyz").status == 200


@pytest.mark.parametrize("missing", [{"webhook_secrets": {}}, {"session_secret": ""}])
def test_without_its_secrets_the_web_process_does_not_start(
    tmp_path: Path, missing: dict[str, Any]
) -> None:
    with pytest.raises(OperatorError, match="missing before intakebot can start"):
        serve(replace(some_settings(tmp_path), **missing), "127.0.0.1", 1)


def test_a_forge_without_a_secret_has_no_door(world: World) -> None:
    closed = create_app(replace(world.settings, webhook_secrets={}), world.house, {})
    assert closed.test_client().post(DOOR, data=BODY, headers=GOOD).status_code == 404
    closed.extensions["intakebot"].readiness.close()
