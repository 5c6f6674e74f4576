"""Webhook deliveries as the receiving end sees them."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from intakebot.gitforge.sender import run
from tests.gitforge.world import (
    SEND,
    Project,
    Server,
    commit,
    eventually,
    git,
    make_project,
    running,
)

SECRET = "a secret shared with the receiver"


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@dataclass
class Receiver:
    """Keeps all that arrives; answers with `answers` first, then 202. What is about pull request
    `hangs_on` gets its answer once `patient` is set."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    hangs_on: int = 0
    patient: threading.Event = field(default_factory=threading.Event)

    def of(self, project: Project) -> list[Received]:
        return [each for each in self.received if each.body["repository"]["name"] == project.name]


@contextmanager
def listening(receiver: Receiver) -> Iterator[Receiver]:
    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            raw = self.rfile.read(length)
            if len(raw) < length:
                return  # the sender was killed in the middle of it
            received = Received(self.path, dict(self.headers), raw)
            receiver.received.append(received)
            if receiver.hangs_on and received.body["number"] == receiver.hangs_on:
                receiver.patient.wait(9)
            status = receiver.answers.pop(0) if receiver.answers else 202
            self.send_response(status)
            if status == 307:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as http:
        receiver.url = f"http://127.0.0.1:{http.server_address[1]}/hooks"
        serving = threading.Thread(target=http.serve_forever, args=(0.02,))
        serving.start()
        try:
            yield receiver
        finally:
            http.shutdown()
            serving.join()


@contextmanager
def sending(server: Server) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(server.state, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(15)


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("hooked") / "state") as server:
        yield server


@pytest.fixture
def receiver(hooked: Server) -> Iterator[Receiver]:
    with listening(Receiver()) as receiver:
        hooked.forge.set_webhook(receiver.url, SECRET)
        yield receiver


@pytest.fixture
def site(hooked: Server, receiver: Receiver, tmp_path: Path) -> Project:
    return make_project(hooked, tmp_path)


def open_pull(project: Project) -> str:
    work = project.clone(project.ada, project.ada.login)
    head = commit(work, "Banner")
    git(work, "push", "-q", "origin", "HEAD:refs/heads/banner")
    return head


def comment(project: Project, text: str) -> Any:
    path = f"/repos/{project.id}/pulls/1/comments"
    return project.server.send(project.ada, "POST", path, {"text": text}, 201)


def test_every_change_arrives_signed_and_in_order(
    hooked: Server, receiver: Receiver, site: Project
) -> None:
    head = open_pull(site)
    said = comment(site, "/status")
    review = {"head": head, "state": "approved"}
    hooked.send(site.wim, "POST", f"/repos/{site.id}/pulls/1/reviews", review, 201)
    status = {"state": "pending", "text": "", "url": ""}
    hooked.send(site.bot, "PUT", f"/repos/{site.id}/statuses/{head}", status)
    work = site.clone(site.ada)
    commit(work, "Direct")
    git(work, "push", "origin", "HEAD:main", ok=False)
    git(work, "fetch", "-q", site.url(site.land, site.ada.login), head)
    git(work, "push", "-q", site.url(site.land), f"{head}:refs/heads/main")

    with sending(hooked):
        eventually(lambda: len(receiver.of(site)) == 7)

    got = receiver.of(site)
    ours = [each.body for each in got if each.body["number"]]
    assert [body["event"] for body in ours] == ["pull", "comment", "review", "pull"]
    others = {each.body["event"]: each.body for each in got if not each.body["number"]}
    assert set(others) == {"status", "incident", "push"}
    assert ours[1]["comment"] == {"id": said["id"], "text": "/status"}
    assert ours[1]["actor"] == {"id": site.ada.id, "login": site.ada.login}
    assert ours[1]["repository"] == {"id": site.id, "name": site.name}
    assert (others["push"]["sha"], others["push"]["ref"]) == (head, "refs/heads/main")
    assert others["status"]["sha"] == head and others["incident"]["actor"]["id"] == site.ada.id
    for each in got:
        signature = hmac.new(SECRET.encode(), each.raw, hashlib.sha256).hexdigest()
        assert each.headers["X-Intakebot-Signature"] == f"sha256={signature}"
        assert each.headers["X-Intakebot-Event"] == each.body["event"]
    assert len({each.headers["X-Intakebot-Delivery"] for each in got}) == 7


def test_a_refused_delivery_is_tried_again_before_the_next_one_goes(
    hooked: Server, receiver: Receiver, site: Project
) -> None:
    receiver.answers = [307]
    open_pull(site)
    comment(site, "second")

    with sending(hooked):
        eventually(lambda: len(receiver.of(site)) == 3, 15)

    got = receiver.of(site)
    assert [each.body["event"] for each in got] == ["pull", "pull", "comment"]
    assert len({each.headers["X-Intakebot-Delivery"] for each in got[:2]}) == 1
    assert {each.path for each in got} == {"/hooks"}  # the redirect was not followed


def test_what_was_acknowledged_is_not_sent_again_and_the_rest_survives_a_kill(
    hooked: Server, receiver: Receiver, site: Project
) -> None:
    open_pull(site)
    with sender_process(hooked) as process:
        eventually(lambda: len(receiver.of(site)) == 1)
        receiver.answers = [503] * 3
        comment(site, "while it struggles")
        eventually(lambda: len(receiver.of(site)) == 2)
        process.kill()
        process.wait(10)
    receiver.answers = []

    with sending(hooked):
        eventually(lambda: len(receiver.of(site)) == 3, 15)
        quiet_since = time.monotonic()
        eventually(lambda: time.monotonic() - quiet_since > 0.5)

    events = [each.body["event"] for each in receiver.of(site)]
    assert events == ["pull", "comment", "comment"]


def test_one_that_hangs_holds_up_what_must_come_after_it_and_nothing_else(
    hooked: Server, receiver: Receiver, site: Project
) -> None:
    open_pull(site)
    comment(site, "after it")
    work = site.clone(site.ada, site.ada.login)
    for number in (2, 3, 4):
        commit(work, f"Another {number}")
        git(work, "push", "-q", "origin", f"HEAD:refs/heads/other-{number}")
    receiver.hangs_on = 1

    with sending(hooked):
        eventually(lambda: {each.body["number"] for each in receiver.of(site)} >= {1, 2, 3, 4}, 5)
        assert [each.body["event"] for each in receiver.of(site) if each.body["number"] == 1] == [
            "pull"
        ]
        receiver.patient.set()
        eventually(lambda: receiver.of(site)[-1].body["event"] == "comment")


@contextmanager
def sender_process(server: Server) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-W", "error", "-c", SEND, str(server.state)])
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def test_the_sender_ends_in_peace_when_told(
    hooked: Server, receiver: Receiver, site: Project
) -> None:
    with sender_process(hooked) as process:
        open_pull(site)
        eventually(lambda: receiver.of(site))
        process.terminate()
        assert process.wait(10) == 0


def heals(look: Callable[[Project], Any], tmp_path: Path) -> None:
    """A push after which the server is killed before it wrote anything."""
    crash = f"forge.post_receive:1@{tmp_path / 'crashed'}"
    with (
        listening(Receiver()) as receiver,
        running(tmp_path / "state", INTAKEBOT_CRASH=crash) as server,
    ):
        server.forge.set_webhook(receiver.url, SECRET)
        project = make_project(server, tmp_path / "killed")
        work = project.clone(project.ada, project.ada.login)
        head = commit(work, "Survivor")
        told = git(work, "push", "-o", "title=Kept", "origin", "HEAD:refs/heads/x", ok=False)
        assert (tmp_path / "crashed").exists() and "opened" not in told
        look(project)
        with sending(server):
            eventually(lambda: [e.body["event"] for e in receiver.received] == ["pull"])
        pull = project.pull(1)
        assert (pull["head"], pull["title"], len(pull["pushes"])) == (head, "Kept", 1)

        commit(work, "And on")
        assert "#1 updated" in git(work, "push", "origin", "HEAD:refs/heads/x")
        assert len(project.pulls()) == 1


def test_a_push_killed_before_it_was_told_of_heals_when_the_list_is_read(tmp_path: Path) -> None:
    heals(lambda project: project.pulls()[0], tmp_path)


def test_a_push_killed_before_it_was_told_of_heals_without_anybody_asking(tmp_path: Path) -> None:
    heals(lambda _: None, tmp_path)
