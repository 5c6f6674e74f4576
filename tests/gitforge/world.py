"""A forge on a loopback port, people with tokens, and their work trees. Nothing is faked."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import requests

from intakebot.gitforge.forge import GitForge
from intakebot.world.ports import free_port

T = TypeVar("T")
_SERVE = (
    "import sys; from pathlib import Path; from intakebot.gitforge.server import serve;"
    " serve(Path(sys.argv[1]), '127.0.0.1', int(sys.argv[2]), int(sys.argv[3]),"
    " float(sys.argv[4]))"
)
SEND = (
    "import sys; from pathlib import Path; from intakebot.gitforge.sender import run;"
    " run(Path(sys.argv[1]))"
)
PAGES = "http://127.0.0.1:9"
GIT_ENV = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Ada Alder",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada Alder",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    **{"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.fsync", "GIT_CONFIG_VALUE_0": "none"},
}


def eventually(look: Callable[[], T], seconds: float = 10.0) -> T:
    """The first true answer; fails when none comes in time."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return found


def git(cwd: Path, *arguments: str, ok: bool = True, stdin: str = "") -> str:
    """Standard output and error together; `ok` says whether it must succeed or must fail."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=cwd,
        env=GIT_ENV,
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode == 0) == ok, done.stdout
    return done.stdout.strip()


def remote_lines(output: str) -> list[str]:
    lines = (line for line in output.splitlines() if line.startswith("remote:"))
    return [line.removeprefix("remote:").removeprefix(" ").rstrip() for line in lines]


@dataclass
class Person:
    login: str
    id: str
    token: str

    @property
    def auth(self) -> tuple[str, str]:
        return self.login, self.token


@dataclass
class Server:
    state: Path
    port: int
    forge: GitForge
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(self, who: Person, method: str, path: str, **more: Any) -> requests.Response:
        return requests.request(method, f"{self.url}/api{path}", auth=who.auth, timeout=20, **more)

    def get(self, who: Person, path: str, status: int = 200) -> Any:
        answer = self.call(who, "GET", path)
        assert answer.status_code == status, answer.text
        return answer.json()

    def send(self, who: Person, method: str, path: str, body: Any, status: int = 200) -> Any:
        answer = self.call(who, method, path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def bot(self, scope: str) -> Person:
        return Person("intakebot", "1", self.forge.new_token("intakebot", scope))

    def person(self, login: str) -> Person:
        return Person(login, self.forge.add_person(login), self.forge.new_token(login))


def start_server(
    state: Path, port: int, threads: int = 32, silence: int = 15, **env: str
) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [
            sys.executable,
            "-W",
            "error",
            "-c",
            _SERVE,
            str(state),
            str(port),
            str(threads),
            str(silence),
        ],
        env={**os.environ, **env},
    )

    def alive() -> bool:
        assert process.poll() is None, "the server ended"
        try:
            return requests.get(f"http://127.0.0.1:{port}/livez", timeout=2).ok
        except requests.ConnectionError:
            return False

    eventually(alive, 20)
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    process.wait(20)


@contextmanager
def running(state: Path, threads: int = 32, silence: int = 15, **env: str) -> Iterator[Server]:
    """A migrated forge, served until the block ends."""
    forge, port = GitForge(state), free_port()
    forge.migrate()
    forge.configure(git_url=f"http://127.0.0.1:{port}", page_url=PAGES)
    process = start_server(state, port, threads, silence, **env)
    try:
        yield Server(state, port, forge, process)
    finally:
        end(process)


@dataclass
class Project:
    """One main repository with ada (read), wim (write), bob (no right) and the bot's tokens."""

    server: Server
    folder: Path
    name: str
    id: str
    ada: Person
    wim: Person
    bob: Person
    land: Person
    bot: Person

    def url(self, who: Person, owner: str = "main") -> str:
        return f"http://{who.login}:{who.token}@127.0.0.1:{self.server.port}/git/{owner}/{self.name}.git"

    def clone(self, who: Person, owner: str = "main") -> Path:
        place = self.folder / f"work{len(list(self.folder.iterdir()))}"
        git(self.folder, "clone", "-q", self.url(who, owner), str(place))
        return place

    def pull(self, number: int, who: Person | None = None) -> Any:
        return self.server.get(who or self.ada, f"/repos/{self.id}/pulls/{number}")

    def pulls(self, state: str = "all", after: int = 0) -> Any:
        path = f"/repos/{self.id}/pulls?state={state}&after={after}"
        return self.server.get(self.ada, path)["pulls"]

    def incidents(self) -> list[dict[str, Any]]:
        found = self.server.get(self.wim, f"/repos/{self.id}/incidents")["incidents"]
        assert isinstance(found, list)
        return found

    def branches(self, repo_id: str | None = None) -> dict[str, str]:
        found = self.server.get(self.ada, f"/repos/{repo_id or self.id}/branches")["branches"]
        assert isinstance(found, dict)
        return found

    def fork_id(self, login: str) -> str:
        numbers = (n for n in range(1, 200))
        for n in numbers:
            answer = self.server.call(self.ada, "GET", f"/repos/{n}").json()
            if answer.get("parent_id") == self.id and answer["owner"]["login"] == login:
                return str(n)
        raise AssertionError(f"{login} has no fork of {self.name}")

    def bare(self, owner: str = "main") -> Path:
        return self.server.state / "git" / owner / f"{self.name}.git"


def make_project(server: Server, folder: Path) -> Project:
    name = re.sub(r"[^a-z0-9]", "", folder.name.lower())[-40:]
    folder.mkdir(exist_ok=True)
    seed = server.state.parent / "seed"
    if not seed.exists():
        git(server.state.parent, "init", "-q", "-b", "main", str(seed))
        commit(seed, "Begin", page="<h1>Hello</h1>\n")
    repo_id = server.forge.add_repo(name, from_path=seed)
    ada, wim, bob = (server.person(f"{login}-{name}") for login in ("ada", "wim", "bob"))
    server.forge.grant(name, ada.login, "read")
    server.forge.grant(name, wim.login, "write")
    land, bot = server.bot("land"), server.bot("bot")
    return Project(server, folder, name, repo_id, ada, wim, bob, land, bot)


def commit(work: Path, subject: str, **files: str) -> str:
    for name, text in files.items():
        (work / name).write_text(text)
        git(work, "add", name)
    git(work, "commit", "-q", "--allow-empty", "-m", subject)
    return git(work, "rev-parse", "HEAD")
