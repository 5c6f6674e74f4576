"""Single parts of a house as real processes, on a state folder prepared as `intakebot up` does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from intakebot.flow import bell
from intakebot.settings import Settings, load
from intakebot.store.database import Database
from intakebot.store.tables import pulls, repos
from intakebot.up.first_run import prepare
from intakebot.up.valkey import valkey
from intakebot.wiring import built_in_forge
from intakebot.world.house import OF_A_HOUSE, OF_ANY_FORGE, RunningHouse
from intakebot.world.people import Somebody

WITHIN = 60.0  # seconds for a part to answer, and for work to be done


@dataclass(slots=True)
class Parts:
    """Of one house: `bell`, `web`, `forge` and `looks`, each started when it is asked for.

    There is no clock and no sender, so that nothing happens but what the benchmark does.
    """

    house: RunningHouse  # never started: it knows how to make people
    settings: Settings
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return self.house.port

    def start(self, *names: str) -> None:
        """Returns once they answer."""
        for name in names:
            self.running[name] = self._start(name)
        for name in names:
            self._wait(name)

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        ours = [sys.executable, "-m", "intakebot"]
        state = self.settings.state
        argv = {
            "web": [*ours, "web", f"--state={state}", f"--port={self.port}"],
            "forge": [*ours, "forge", f"--state={state}", f"--port={self.port + 1}"],
            "looks": [*ours, "worker", f"--state={state}", "--only=looks"],
        }
        with (state / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                argv[name] if name in argv else list(valkey(state / "run").argv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _wait(self, name: str) -> None:
        if name == "bell":
            bell.wait_for(bell.connect(self.settings.redis_url), WITHIN)
        elif name != "looks":
            port = {"web": self.port, "forge": self.port + 1}[name]
            wait_for(lambda: answers(f"http://127.0.0.1:{port}/livez"), name)

    def kill(self, name: str) -> None:
        """As a power cut does it."""
        self.running[name].send_signal(signal.SIGKILL)
        self.running.pop(name).wait()

    def stop(self) -> None:
        for process in reversed(self.running.values()):
            process.terminate()
        for process in reversed(self.running.values()):
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
            process.kill()


@contextmanager
def parts() -> Iterator[Parts]:
    """A fresh house in a temporary folder, nothing of it started yet."""
    with tempfile.TemporaryDirectory(prefix="intakebot-bench-") as name:
        house = RunningHouse(Path(name))
        for setting in [one for one in os.environ if _is_of_a_house(one)]:
            del os.environ[setting]
        # As `up` does it: `prepare`, the settings and every part read them from there.
        os.environ |= {"INTAKEBOT_STATE": name, "PORT": str(house.port)}
        prepare(house.state, hook_url=f"{house.page_url}/hooks/git")
        made = Parts(house, load(house.state))
        try:
            yield made
        finally:
            made.stop()


def _is_of_a_house(setting: str) -> bool:
    return setting in OF_A_HOUSE or setting.startswith(OF_ANY_FORGE)


# --- what people do, and what has become of it ----------------------------------------


def serve(settings: Settings, name: str, source: Path, *people: tuple[Somebody, str]) -> str:
    """Make `source` a main repository of the forge; returns its id. `people` with their access."""
    forge = built_in_forge(settings)
    repo_id = forge.add_repo(name, from_path=source)
    for somebody, access in people:
        forge.grant(name, somebody.login, access)
    return repo_id


def push(somebody: Somebody, source: Path, commit: str, repo: str, branch: str) -> int:
    """Push a commit of `source` to a branch of this person's fork; the pull request's number."""
    url = somebody.url(somebody.login, repo)
    said = somebody.must("push", url, f"{commit}:refs/heads/{branch}", within=source)
    number = re.search(r"Pull request #([0-9]+)", said)
    if number is None:
        raise RuntimeError(f"the forge names no pull request: {said}")
    return int(number[1])


@dataclass(frozen=True, slots=True)
class Row:
    """What the house knows of one pull request."""

    id: int
    head: str
    state: str
    wanted: int
    done: int


def row(database: Database, repo_id: str, number: int) -> Row | None:
    with database.read() as connection:
        found = connection.execute(
            sa.select(pulls.c.id, pulls.c.head, pulls.c.state, pulls.c.wanted, pulls.c.done)
            .join(repos, repos.c.id == pulls.c.repo_id)
            .where(repos.c.forge_id == repo_id, pulls.c.number == number)
        ).one_or_none()
    return None if found is None else Row(*found)


def wait_for(ready: Callable[[], object], what: str, every: float = 0.02) -> None:
    deadline = time.monotonic() + WITHIN
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} within {WITHIN:.0f} s")
        time.sleep(every)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def program(argv: Sequence[str], url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run it until the end of the block; it is ready when `url` answers."""
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: answers(url), argv[-1])
        yield process
    finally:
        process.terminate()
        process.wait(timeout=20)
