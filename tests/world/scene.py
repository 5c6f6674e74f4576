"""A workspace with one repository, its owner, a contributor with a fork, and a listener."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from intakebot.world.bitbucket_cloud import BitbucketCloud, Member

SITE = "/repositories/acme/site"
PULLS = f"{SITE}/pullrequests"
EVENTS = [
    "repo:push",
    "pullrequest:created",
    "pullrequest:updated",
    "pullrequest:approved",
    "pullrequest:unapproved",
    "pullrequest:changes_request_created",
    "pullrequest:changes_request_removed",
    "pullrequest:fulfilled",
    "pullrequest:rejected",
    "pullrequest:comment_created",
    "pullrequest:comment_updated",
    "pullrequest:comment_deleted",
]


@dataclass
class Heard:
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> str:
        return self.headers["X-Event-Key"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Listener:
    """`answers` are the next statuses to give; 200 when there is none left."""

    url: str
    heard: list[Heard] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    @property
    def events(self) -> list[str]:
        return [one.event for one in self.heard]


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener("")

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            listener.heard.append(Heard(dict(self.headers.items()), body))
            self.send_response(listener.answers.pop(0) if listener.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        server.daemon_threads = False
        listener.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Scene:
    """grace owns acme/site, wim may write there, ada reads it and has forked it."""

    cloud: BitbucketCloud
    grace: Member
    wim: Member
    ada: Member
    work: Path  # ada's clone of her fork

    def must(self, who: Member, method: str, path: str, body: Any = None) -> Any:
        """The JSON of a call that has to succeed."""
        answer = who.api(method, path, body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def get(self, path: str) -> Any:
        return self.must(self.grace, "GET", path)

    def refused(self, who: Member, method: str, path: str, body: Any = None) -> requests.Response:
        answer = who.api(method, path, body)
        assert answer.status_code >= 400, answer.text
        return answer

    def propose(
        self, branch: str = "banner", files: dict[str, str] | None = None, **more: Any
    ) -> int:
        """ada's pull request from her fork; its number."""
        self.ada.must("switch", "--quiet", "main", within=self.work)
        files = files or {f"{branch}.txt": "one\ntwo\nthree\n"}
        self.ada.propose(self.work, branch, files, f"Add {branch}")
        return self.open(self.ada, branch, "ada/site", **more)

    def open(self, who: Member, branch: str, source: str, **more: Any) -> int:
        body = {
            "title": f"Add {branch}",
            "source": {"branch": {"name": branch}, "repository": {"full_name": source}},
            "destination": {"branch": {"name": "main"}},
            **more,
        }
        return int(self.must(who, "POST", PULLS, body)["id"])

    def push(self, files: dict[str, str], message: str = "More") -> str:
        """Another commit on the branch that ada's clone is at; its id."""
        oid = self.ada.commit(self.work, files, message)
        self.ada.must("push", "--quiet", within=self.work)
        return oid

    def pull(self, number: int) -> Any:
        return self.get(f"{PULLS}/{number}")

    def activity(self, number: int) -> list[Any]:
        """Oldest first."""
        return list(reversed(self.get(f"{PULLS}/{number}/activity?pagelen=50")["values"]))

    def kinds(self, number: int) -> list[str]:
        return [next(iter(one)) for one in self.activity(number)]

    def hook(self, url: str, secret: str = "", events: list[str] | None = None) -> Any:
        body = {"url": url, "description": "test", "active": True, "events": events or EVENTS}
        body |= {"secret": secret} if secret else {}
        return self.must(self.grace, "POST", f"{SITE}/hooks", body)


def scene(cloud: BitbucketCloud) -> Scene:
    grace, wim, ada = (cloud.user(name) for name in ("grace", "wim", "ada"))
    cloud.workspace("acme", plan="standard", owner="grace")
    cloud.repository("acme/site", {"README.md": "# Site\n", "page.html": "<h1>Hello</h1>\n"})
    cloud.grant("wim", "acme/site", "write")
    cloud.grant("ada", "acme/site", "read")
    cloud.fork("ada", "acme/site", inherit=True)
    return Scene(cloud, grace, wim, ada, ada.clone("ada/site"))
