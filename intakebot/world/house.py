"""A whole house in a temporary folder: the real `intakebot up`, on free ports, with real people."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import requests

from intakebot.model import Group, OperatorError, Role
from intakebot.settings import Settings, load
from intakebot.store import people
from intakebot.store.database import Database
from intakebot.up.sample import commit_all
from intakebot.wiring import built_in_forge
from intakebot.world.people import Somebody
from intakebot.world.ports import free_ports

T = TypeVar("T")


class TookTooLong(Exception):
    """What was waited for did not come; the text says what was there instead."""


class Viewer(Protocol):
    """Anybody who may see a pull request at the house's pages."""

    def api(self, method: str, path: str, /) -> requests.Response: ...


@dataclass(slots=True)
class RunningHouse:
    """Start it with `start`, end it with `stop`; usable as a context manager."""

    state: Path
    port: int = field(default_factory=free_ports)
    environ: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def page_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def git_url(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}"

    def start(self, within: float = 60) -> None:
        """Returns once it says that it is ready."""
        self.state.mkdir(parents=True, exist_ok=True)
        with open(self.state / "up.log", "ab") as err, open(self.state / "up.out", "wb") as out:
            self.process = subprocess.Popen(
                self._command("up", f"--port={self.port}"),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=self._environment(),
                start_new_session=True,
            )
        self.wait_for(self._says_ready, within=within)

    def run(self, *words: str, **environ: str) -> str:
        """One verb of this house's command line; what it printed. OperatorError when it fails."""
        done = subprocess.run(
            self._command(*words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=self._environment() | environ,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode != 0:
            raise OperatorError(f"intakebot {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "intakebot", *words, f"--state={self.state}"]

    def _environment(self) -> dict[str, str]:
        """Ours, without what the environment says of another house, and with `environ`."""
        elsewhere = {k for k in os.environ if k in OF_A_HOUSE or k.startswith(OF_ANY_FORGE)}
        return {k: v for k, v in os.environ.items() if k not in elsewhere} | dict(self.environ)

    def _settings(self) -> Settings:
        return load(self.state, self._environment())

    def _says_ready(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise TookTooLong(f"it ended: {(self.state / 'up.log').read_text()[-2000:]}")
        return "intakebot is ready" in self.announced

    @property
    def announced(self) -> str:
        return (self.state / "up.out").read_text("utf-8")

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def __enter__(self) -> RunningHouse:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def add_repo(self, name: str, files: Mapping[str, str]) -> None:
        """Another main repository, made from these files."""
        source = self.state / "sources" / name
        for path, text in files.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_text(text, "utf-8")
        commit_all(source, "As it is")
        built_in_forge(self._settings()).add_repo(name, from_path=source)

    def person(
        self,
        login: str,
        group: Group,
        *,
        agency: str = "",
        roles: tuple[Role, ...] = (Role.CONTRIBUTOR,),
        access: str = "read",
        name: str = "",
        repo: str = "site",
    ) -> Somebody:
        """An account with a token, a place on the roster, and access to the repository."""
        forge = built_in_forge(self._settings())
        account = forge.add_person(login, name or login.capitalize())
        forge.grant(repo, login, access)
        self.enrol("git", account, login, group, agency=agency, roles=roles, name=name)
        folder = self.state / "people" / login
        folder.mkdir(parents=True, exist_ok=True)
        return Somebody(login, forge.new_token(login), self.git_url, self.page_url, folder)

    def enrol(
        self,
        forge: str,
        account: str,
        login: str,
        group: Group,
        *,
        agency: str = "",
        roles: tuple[Role, ...] = (Role.CONTRIBUTOR,),
        name: str = "",
    ) -> None:
        """Put whoever is behind this account on the roster, once; outsiders are on none."""
        if group is Group.OUTSIDER:
            return
        name = name or login.capitalize()
        database = Database(self._settings().database_url)
        with database.write() as connection:
            person = people.linked(connection, forge, account) or people.add(
                connection, name=name, group=group, agency=agency, roles=roles
            )
            people.link(connection, person, forge, account, login)
        database.close()

    def wait_for(self, ready: Callable[[], T | None], within: float = 60) -> T:
        """Poll until `ready` gives something true."""
        deadline = time.monotonic() + within
        while True:
            found = ready()
            if found:
                return found
            if time.monotonic() > deadline:
                raise TookTooLong(f"{getattr(ready, '__name__', ready)} within {within:.0f} s")
            time.sleep(0.05)

    def wait_for_state(
        self,
        viewer: Viewer,
        number: int,
        state: str,
        head: str = "",
        *,
        repo: str = "site",
        within: float = 60,
    ) -> dict[str, Any]:
        """The pull request's JSON once it stands at `state` (for `head`)."""
        last: dict[str, Any] = {}

        def there() -> dict[str, Any] | None:
            try:
                answer = viewer.api("GET", f"/api/pulls/{repo}/{number}")
            except requests.ConnectionError:  # the pages are being restarted
                return None
            if answer.status_code != 200:
                return None
            last.clear()
            last.update(answer.json())
            standing = last["standing"]  # null until the first look
            right = standing and standing["state"] == state and head in ("", last["head"])
            return last if right else None

        try:
            return self.wait_for(there, within=within)
        except TookTooLong as error:
            standing = last.get("standing")
            raise TookTooLong(f"{repo}#{number} should be {state}, stands at {standing}") from error


OF_A_HOUSE = frozenset(
    {
        "INTAKEBOT_HOUSE",
        "INTAKEBOT_STATE",
        "PORT",
        "REDIS_URL",
        "DATABASE_URL",
        "PUBLIC_URL",
        "GIT_URL",
        "SESSION_SECRET",
        "GIT_BOT_TOKEN",
        "GIT_LAND_TOKEN",
        "GIT_WEB_TOKEN",
        "SURVEY_EVERY",
    }
)
OF_ANY_FORGE = ("BITBUCKET_", "INTAKEBOT_SECRET_")
