"""Scaled out: PostgreSQL, Redis, and two of every process, each machine with a folder of its own.

Every delivery goes to both doors at once, and one process of each kind is killed at its work.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
import sqlalchemy as sa

from intakebot.model import Group, Role
from intakebot.settings import Settings, load
from intakebot.store import people
from intakebot.store.database import Database
from intakebot.store.tables import deliveries, entries, landings, pulls, receipts, runs
from intakebot.up.valkey import valkey
from intakebot.wiring import build_house, built_in_forge
from intakebot.world.people import Somebody
from intakebot.world.ports import free_ports
from tests.databases import Databases
from tests.flow.conftest import SITE, site_of
from tests.flow.kept import broken
from tests.flow.workshop import Rings, until

pytestmark = pytest.mark.postgres
SECRETS = {"INTAKEBOT_SECRET_GIT": "test-secret", "SESSION_SECRET": "test-session-secret"}
CHANGES = 6
CHECKS = """
[checks.words]
run = "sleep 1; ! grep -rn 'BRO[K]EN' ."
"""


# --- the relay ------------------------------------------------------------------------


@dataclass(slots=True)
class Relay:
    """Stands before the doors, as a load balancer at its worst: each delivery goes to all."""

    doors: list[str]
    url: str = ""
    taken: set[str] = field(default_factory=set)

    def pass_on(self, headers: Mapping[str, str], body: bytes) -> int:
        def post(door: str) -> int:
            try:
                return requests.post(door, data=body, headers=headers, timeout=20).status_code
            except requests.RequestException:
                return 503

        with ThreadPoolExecutor(len(self.doors)) as pool:
            best = min(pool.map(post, self.doors))
        if best < 300:
            self.taken.add(headers["X-Intakebot-Delivery"])
        return best


@contextmanager
def relaying(doors: list[str]) -> Iterator[Relay]:
    relay = Relay(doors)

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            ours = ("Content-Type", "X-Intakebot-Event", "X-Intakebot-Delivery")
            names = (*ours, "X-Intakebot-Signature")
            self.send_response(relay.pass_on({name: self.headers[name] for name in names}, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as http:
        relay.url = f"http://127.0.0.1:{http.server_address[1]}/hooks/git"
        serving = threading.Thread(target=http.serve_forever, args=(0.05,))
        serving.start()
        try:
            yield relay
        finally:
            http.shutdown()
            serving.join()


# --- the machines ---------------------------------------------------------------------


@dataclass(slots=True)
class Machine:
    """One of several: its own folder and processes, and the same environment as the others."""

    name: str
    folder: Path
    port: int
    environ: Mapping[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def page_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, stack: ExitStack) -> None:
        """The Procfile's processes, with one of each kind of worker."""
        self.run(stack, "web", "web", f"--port={self.port}")
        self.run(stack, "looks", "worker", "--only=looks")
        self.run(stack, "runs", "worker", "--only=runs")
        self.run(stack, "clock", "clock")

    def run(self, stack: ExitStack, kind: str, *words: str) -> None:
        self.folder.mkdir(exist_ok=True)
        with open(self.folder / f"{kind}.log", "ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "intakebot", *words],
                env={**os.environ, **self.environ, "INTAKEBOT_STATE": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.processes[kind] = process
        stack.callback(self._end, process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            process.kill()
        process.wait()

    def kill(self, kind: str) -> None:
        self.processes[kind].kill()
        self.processes[kind].wait()


@dataclass(slots=True)
class Site:
    """Everything that runs, and the people who use it."""

    settings: Settings
    database: Database
    relay: Relay
    machines: tuple[Machine, Machine]
    folder: Path

    def person(self, login: str, group: Group, role: Role, access: str, page: str) -> Somebody:
        forge = built_in_forge(self.settings)
        account = forge.add_person(login, login.capitalize())
        forge.grant("site", login, access)
        with self.database.write() as connection:
            person = people.add(
                connection, name=login.capitalize(), group=group, agency="", roles=(role,)
            )
            people.link(connection, person, "git", account, login)
        folder = self.folder / login
        folder.mkdir()
        return Somebody(login, forge.new_token(login), self.settings.git_url, page, folder)

    def ask(self, query: sa.Select[Any]) -> list[sa.Row[Any]]:
        with self.database.read() as connection:
            return list(connection.execute(query))


@pytest.fixture
def site(tmp_path: Path, databases: Databases) -> Iterator[Site]:
    forge_port, ports = free_ports(), (free_ports(), free_ports())
    doors = [f"http://127.0.0.1:{port}/hooks/git" for port in ports]
    with ExitStack() as stack:
        url = stack.enter_context(databases.house(tmp_path / "forge"))
        relay = stack.enter_context(relaying(doors))
        environ = {
            **SECRETS,
            "DATABASE_URL": url,
            "REDIS_URL": redis_beside(tmp_path, stack),
            "GIT_URL": f"http://127.0.0.1:{forge_port}",
            "PUBLIC_URL": f"http://127.0.0.1:{ports[0]}",
            "CHECK_SLOTS": "1",
        }
        environ |= forge_tokens(tmp_path, environ, relay.url)
        settings = load(tmp_path / "forge", environ)
        own = Machine("forge", tmp_path / "forge", forge_port, environ)
        own.run(stack, "forge", "forge", f"--port={forge_port}")
        own.run(stack, "sender", "forge-sender")
        one, two = (
            Machine(name, tmp_path / name, port, environ)
            for name, port in zip(("one", "two"), ports, strict=True)
        )
        database = Database(url)
        stack.callback(database.close)
        watch_leases(database)
        for machine in (one, two):
            machine.start(stack)
        for address in (settings.git_url, one.page_url, two.page_url):
            until(lambda address=address: answers(f"{address}/livez"), 90)  # type: ignore[misc]
        yield Site(settings, database, relay, (one, two), tmp_path)


def redis_beside(folder: Path, stack: ExitStack) -> str:
    server = subprocess.Popen(
        list(valkey(folder / "bell").argv), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    stack.callback(server.wait)
    stack.callback(server.kill)
    url = f"unix://{folder / 'bell' / 'bell.sock'}"

    def pings() -> bool:
        try:
            return bool(redis.Redis.from_url(url).ping())
        except redis.RedisError:
            return False

    until(pings)
    return url


def forge_tokens(folder: Path, environ: Mapping[str, str], hook: str) -> dict[str, str]:
    """The forge, made ready with the repository `site`; the bot's tokens."""
    forge = built_in_forge(load(folder / "forge", environ))
    forge.migrate()
    forge.configure(git_url=environ["GIT_URL"], page_url=environ["PUBLIC_URL"])
    forge.set_webhook(hook, SECRETS["INTAKEBOT_SECRET_GIT"])
    files = {**SITE, ".intakebot.toml": CHECKS}
    forge.add_repo("site", from_path=site_of(folder / "source", files))
    return {
        f"GIT_{scope.upper()}_TOKEN": forge.new_token("intakebot", scope)
        for scope in ("bot", "land", "web")
    }


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


# --- who held what, seen by the database itself ---------------------------------------


def watch_leases(database: Database) -> None:
    """Each time a lease changes hands the database notes until when the last holder had it."""
    with database.write() as connection:
        for statement in (
            "CREATE TABLE handovers (kind text, row_id bigint, fence int, before int,"
            " held_until bigint, at bigint)",
            """CREATE FUNCTION note_handover() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO handovers VALUES (TG_TABLE_NAME, OLD.id, NEW.lease_fence,
                    OLD.lease_fence, OLD.lease_until,
                    extract(epoch from clock_timestamp()) * 1000000);
                RETURN NEW;
            END $$""",
            *(
                f"CREATE TRIGGER note BEFORE UPDATE ON {table} FOR EACH ROW"
                " WHEN (NEW.lease_fence <> OLD.lease_fence) EXECUTE FUNCTION note_handover()"
                for table in ("pulls", "repos", "lanes", "runs")
            ),
        ):
            connection.execute(sa.text(statement))


def assert_no_lease_was_held_by_two(database: Database) -> None:
    with database.read() as connection:
        seen = connection.execute(sa.text("SELECT * FROM handovers")).all()
    assert len(seen) > CHANGES
    assert [row for row in seen if row.fence != row.before + 1] == []
    assert [row for row in seen if row.held_until and row.held_until > row.at] == []


# --- the test -------------------------------------------------------------------------


def test_with_one_of_each_killed_at_its_work_all_lands_once_and_as_tested(site: Site) -> None:
    one, two = site.machines
    ada = site.person("ada", Group.AGENCY, Role.CONTRIBUTOR, "read", one.page_url)
    grace = site.person("grace", Group.STAFF, Role.MAINTAINER, "write", two.page_url)
    clone = ada.clone()
    numbers = [opens(ada, clone, name) for name in range(CHANGES)]
    for number in numbers:
        asks_to_merge(grace, number)
    kill_at_work(site, one, "runs", runs)
    kill_at_work(site, one, "looks", pulls)
    one.kill("web")
    one.kill("clock")
    numbers.append(opens(ada, clone, CHANGES))
    asks_to_merge(grace, numbers[-1])

    until(lambda: states(site, numbers) == ["landed"] * len(numbers), 240)
    until(lambda: not due(site) and {row.id for row in kept(site)} == site.relay.taken, 60)
    for number in numbers:
        assert_landed_once_and_as_tested(site, ada, number)
    assert all(row.times == 1 for row in kept(site)) and len(kept(site)) > 3 * len(numbers)
    assert_no_lease_was_held_by_two(site.database)
    house = build_house(load(two.folder, two.environ), bell=Rings())
    assert broken(house) == []
    house.database.close()


def opens(author: Somebody, clone: Path, name: int) -> int:
    """A pull request of one commit on main as it was at first."""
    branch = f"change-{name}"
    author.must("switch", "--quiet", "--no-track", "-C", branch, "origin/main", within=clone)
    author.commit(clone, {f"{branch}.html": f"<p>{name}</p>\n"}, f"Say the number {name} too")
    said = author.must("push", author.url(author.login), f"HEAD:refs/heads/{branch}", within=clone)
    number = re.search(r"Pull request #([0-9]+)", said)
    assert number, said
    return int(number[1])


def asks_to_merge(maintainer: Somebody, number: int) -> None:
    """As soon as the pages know it."""
    for word in ("/approve", "/merge"):
        until(lambda word=word: maintainer.say("site", number, word).ok, 60)  # type: ignore[misc]


def kill_at_work(site: Site, machine: Machine, kind: str, table: sa.Table) -> None:
    """While it holds the lease of something; stopped first, so that it can't end meanwhile."""
    pid = machine.processes[kind].pid
    mine = sa.select(table.c.id).where(
        table.c.lease_owner.like(f"%:{pid}:%"), table.c.lease_until.is_not(None)
    )
    while True:
        until(lambda: bool(site.ask(mine)), 60)
        os.kill(pid, signal.SIGSTOP)
        if site.ask(mine):
            machine.kill(kind)
            return
        os.kill(pid, signal.SIGCONT)


def states(site: Site, numbers: list[int]) -> list[str]:
    rows = site.ask(sa.select(pulls.c.state).where(pulls.c.number.in_(numbers)))
    return [row.state for row in rows]


def due(site: Site) -> list[sa.Row[Any]]:
    """What is still to be looked at, and receipts in doubt."""
    behind = sa.select(pulls.c.id).where(pulls.c.done < pulls.c.wanted)
    return site.ask(behind) + site.ask(
        sa.select(receipts.c.id).where(receipts.c.state == "sending")
    )


def kept(site: Site) -> list[sa.Row[Any]]:
    """Each delivery's id, and how often it is there."""
    times = sa.func.count().label("times")
    by_id = deliveries.c.delivery_id
    return site.ask(sa.select(by_id.label("id"), times).group_by(by_id))


def assert_landed_once_and_as_tested(site: Site, person: Somebody, number: int) -> None:
    (landing,) = site.ask(sa.select(landings).where(landings.c.number == number))
    assert landing.landed_at and landing.deployed_at
    passed = sa.select(runs.c.id).where(runs.c.tree == landing.tree, runs.c.outcome == "passed")
    assert landing.checks and set(landing.checks) <= {row.id for row in site.ask(passed)}
    (entry,) = site.ask(sa.select(entries.c.state).where(entries.c.number == number))
    assert entry.state == "landed"
    clone = person.folder / "site-main"
    person.must("fetch", "--quiet", "origin", within=clone)
    log = person.must("log", "--first-parent", "--format=%H %T %s", "origin/main", within=clone)
    (line,) = [line for line in log.splitlines() if f"Merge pull request #{number}:" in line]
    assert line.startswith(f"{landing.commit} {landing.tree} ")
