"""Signed deliveries of 20 KB: how many a second, how late the slowest, and whether any is lost.

First the web process alone against bare endpoints (bare.py), killed right after its last answer;
then a whole house at 50 a second, while its worker looks and something lands.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import sqlalchemy as sa

from benchmarks.bare import WAYS
from benchmarks.common.deliveries import Answer, delivery, send
from benchmarks.common.parts import parts, program, push, row, wait_for
from benchmarks.common.processes import cpu_seconds
from benchmarks.common.report import (
    Bound,
    Figures,
    Report,
    all_of,
    at_least,
    at_most,
    command,
    none,
    ratio,
    spread,
)
from intakebot.model import Group, Role
from intakebot.settings import load
from intakebot.store.database import Database
from intakebot.store.tables import deliveries, pulls
from intakebot.world.house import RunningHouse
from intakebot.world.people import Somebody
from intakebot.world.ports import free_port

CLIENTS = (1, 16, 64)
SPOKEN_OF = 50  # pull requests
PER_SECOND = 50.0


def measure(quick: bool) -> Report:
    alone, steady = _alone(quick), _steady(quick)
    return Report(
        {"alone": alone.figures, "steady": steady.figures}, [*alone.bounds, *steady.bounds]
    )


# --- the web process alone ------------------------------------------------------------


def _alone(quick: bool) -> Report:
    rounds, each = (1, 30) if quick else (7, 1000)
    figures: Figures = {}
    bounds: list[Bound] = []
    answers: list[Answer] = []
    with parts() as house, ExitStack() as others:
        house.start("bell", "web")
        secret = house.settings.webhook_secrets["git"][0]
        bare = {way: others.enter_context(_bare(way, secret)) for way in WAYS}
        for clients in CLIENTS[:2] if quick else CLIENTS:
            ours = _Side(house.port, house.running["web"].pid, secret)
            theirs = {way: _Side(port, pid, secret) for way, (port, pid) in bare.items()}
            for _ in range(rounds):
                for side in (ours, *theirs.values()):
                    side.take(each, clients)
            answers += ours.answers
            name = f"{clients} client{'s' * (clients > 1)}"
            shown = {"ours": ours, **{f"bare, {way}": side for way, side in theirs.items()}}
            figures[name] = {who: side.figures() for who, side in shown.items()}
            for way, side in theirs.items():
                share = 1 / ratio(ours.seconds, side.seconds)
                bounds.append(at_least(f"of bare {way}'s rate, {name}", share, 0.8))
            if clients == 16:
                late = figures[name]["ours"]["p99_ms"]
                bounds.append(at_most("p99 in ms, 16 clients", late, 100))
        house.kill("web")
        bounds += _all_kept("alone", answers, Database(house.settings.database_url))
    return Report(figures, bounds)


@contextmanager
def _bare(way: str, secret: str) -> Iterator[tuple[int, int]]:
    """Its port and its process."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        argv = [sys.executable, "-m", "benchmarks.bare", str(port), way, f"sqlite:///{folder}/a.db"]
        with program([*argv, secret], f"http://127.0.0.1:{port}/livez") as running:
            yield port, running.pid


class _Side:
    """One of the endpoints, and how it fared."""

    def __init__(self, port: int, pid: int, secret: str) -> None:
        self.port, self.pid, self.secret = port, pid, secret
        self.answers: list[Answer] = []
        self.seconds: list[float] = []
        self.cpu: list[float] = []
        self.take(20, 1, counted=False)

    def take(self, count: int, clients: int, *, counted: bool = True) -> None:
        made = [delivery(self.secret, "1", 1 + n % SPOKEN_OF) for n in range(count)]
        cpu, started = cpu_seconds(self.pid), time.perf_counter()
        answers = send(self.port, made, clients)
        if counted:
            self.answers += answers
            self.seconds.append((time.perf_counter() - started) / count)
            self.cpu.append((cpu_seconds(self.pid) - cpu) / count)

    def figures(self) -> Figures:
        return {
            "per_second": 1 / statistics.median(self.seconds),
            "cpu_ms_each": statistics.median(self.cpu) * 1000,
            **spread([answer.seconds for answer in self.answers]),
        }


def _all_kept(name: str, answers: Sequence[Answer], database: Database) -> list[Bound]:
    taken = {answer.delivery for answer in answers if answer.status == 202}
    with database.read() as connection:
        stored = set(connection.scalars(sa.select(deliveries.c.delivery_id)))
    database.close()
    return [
        none(f"{name}: answered otherwise than 202", len(answers) - len(taken)),
        none(f"{name}: answered 202 and not stored", len(taken - stored)),
    ]


# --- a whole house at work ------------------------------------------------------------


def _steady(quick: bool) -> Report:
    seconds = 2 if quick else 60
    with tempfile.TemporaryDirectory() as folder, RunningHouse(Path(folder, "state")) as house:
        settings = load(house.state)
        ada = house.person("ada", Group.AGENCY, agency="Alder")
        grace = house.person("grace", Group.STAFF, roles=(Role.MAINTAINER,), access="write")
        desk = _Desk(ada, grace, Database(settings.database_url))
        looked_at = [desk.open() for _ in range(3)]
        secret = settings.webhook_secrets["git"][0]
        count = int(seconds * PER_SECOND)
        made = [delivery(secret, "1", looked_at[n % len(looked_at)]) for n in range(count)]
        with desk.landing():
            looks = desk.looks(looked_at)
            answers = send(house.port, made, 8, PER_SECOND)
            looks = desk.looks(looked_at) - looks
        wait_for(lambda: desk.all_done(looked_at), "every nudge answered by a look")
        times = spread([answer.seconds for answer in answers])
        figures = {**times, "looks": looks, "landed": desk.landed}
        bounds = [
            at_most("steady: p99 in ms", times["p99_ms"], 250),
            all_of("steady: landed meanwhile", desk.landed, 1),
            *_all_kept("steady", answers, desk.database),
        ]
    return Report(figures, bounds)


@dataclass(slots=True)
class _Desk:
    """An agency that changes the sample site, and a maintainer who lets it."""

    ada: Somebody
    grace: Somebody
    database: Database
    clone: Path = field(init=False)
    opened: int = 0
    landed: int = 0

    def __post_init__(self) -> None:
        self.clone = self.ada.clone()

    def open(self) -> int:
        """A new pull request, looked at once; its number."""
        self.opened += 1
        name = f"note-{self.opened}"
        self.ada.must("switch", "--quiet", "-C", name, "origin/main", within=self.clone)
        commit = self.ada.commit(self.clone, {f"notes/{name}.txt": "New\n"}, f"Put up {name}")
        number = push(self.ada, self.clone, commit, "site", name)
        wait_for(lambda: (found := row(self.database, "1", number)) and found.state, "a look")
        return number

    @contextmanager
    def landing(self) -> Iterator[None]:
        """One pull request after the other lands while the block runs."""
        stop = Event()
        with ThreadPoolExecutor(1) as pool:
            work = pool.submit(self._land_until, stop)
            try:
                yield
            finally:
                stop.set()
                work.result()

    def _land_until(self, stop: Event) -> None:
        while not stop.is_set():
            number = self.open()
            for word in ("/approve", "/merge"):
                place = f"/api/repos/1/pulls/{number}/comments"
                self.grace.forge("POST", place, {"text": word}).raise_for_status()
            wait_for(lambda n=number: self._state(n) == "landed", f"#{number} landed", every=0.1)  # type: ignore[misc]
            self.landed += 1

    def _state(self, number: int) -> str:
        found = row(self.database, "1", number)
        return found.state if found else ""

    def looks(self, numbers: Sequence[int]) -> int:
        """How often a worker has taken them up so far."""
        with self.database.read() as connection:
            query = sa.select(sa.func.sum(pulls.c.lease_fence)).where(pulls.c.number.in_(numbers))
            return int(connection.scalar(query) or 0)

    def all_done(self, numbers: Sequence[int]) -> bool:
        rows = [row(self.database, "1", number) for number in numbers]
        return all(found is not None and found.done == found.wanted for found in rows)


if __name__ == "__main__":
    command("accept", __doc__, measure)()
