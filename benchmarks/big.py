"""A change of 20,000 files and 100 MB of diff: how long it takes to judge, and in how much memory.

The first look fetches it as well; the later ones judge what is there, in turn with `git diff`.
Memory is the summed RSS of the worker and all its git processes, first look included.
"""

from __future__ import annotations

import random
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.common import repositories
from benchmarks.common.deliveries import delivery, send
from benchmarks.common.parts import Parts, parts, push, row, serve, wait_for
from benchmarks.common.processes import Peak, cpu_seconds
from benchmarks.common.report import Report, all_of, at_most, command, ratio, spread, timed
from benchmarks.common.repositories import Shape
from intakebot.model import Group
from intakebot.store import memory
from intakebot.store.database import Database

FILES = 20_000
LINES = 80  # added to each file, 60 characters each: 5 KB
MB = 1 << 20


def measure(quick: bool) -> Report:
    files = 200 if quick else FILES
    rounds = 1 if quick else 5
    with parts() as house, tempfile.TemporaryDirectory() as folder:
        house.start("bell", "forge", "web", "looks")
        source = repositories.make(Path(folder, "source.git"), Shape(files, 10))
        ada = house.house.person("ada", Group.AGENCY, agency="Alder")
        repo = serve(house.settings, "big", source, (ada, "read"))
        head = repositories.add_commit(source, "change", _changes(files), 100)
        number = push(ada, source, head, "big", "change")
        worker = house.running["looks"].pid
        with Peak(worker) as peak:
            first = timed(lambda: _look(house, repo, number))
            first_peak = peak.bytes
            looks, diffs = Work(), Work()
            for _ in range(rounds):
                with diffs.measured(children_cpu):
                    _diff(source)
                with looks.measured(lambda: cpu_seconds(worker)):
                    _look(house, repo, number)
        judged = _files_judged(house, repo, number)
        size = len(repositories.git(source, "diff", "main", "change"))
    figures = {
        "files": files,
        "diff_mb": size / MB,
        "first_look_s": first,
        "look": spread(looks.seconds),
        "git_diff": spread(diffs.seconds),
        "cpu_times_git_diff": ratio(looks.cpu, diffs.cpu),
        "first_look_peak_mb": first_peak / MB,
        "peak_mb": peak.bytes / MB,
    }
    bounds = [
        at_most("times git diff, judged", ratio(looks.seconds, diffs.seconds), 5),
        at_most("times git diff, fetched and judged", first / statistics.median(diffs.seconds), 5),
        at_most("MB of worker and git", peak.bytes / MB, 400),
        all_of("files judged", judged, files),
    ]
    return Report(figures, bounds)


@dataclass(slots=True)
class Work:
    """What was measured of the same thing done several times."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @contextmanager
    def measured(self, used: Callable[[], float]) -> Iterator[None]:
        """`used` says how many CPU seconds were used so far."""
        before, started = used(), time.perf_counter()
        yield
        self.seconds.append(time.perf_counter() - started)
        self.cpu.append(used() - before)


def children_cpu() -> float:
    """Of this process's own children, once they have been waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _changes(files: int) -> Iterator[tuple[str, str]]:
    """Lines no two of which are alike, so that git has as much to do as with real ones."""
    words = random.Random(7)  # noqa: S311 - the same on every run, and nothing secret
    for index in range(files):
        lines = (f"    value_{words.getrandbits(160):040x} = {n:05}\n" for n in range(LINES))
        yield repositories.path_of(index), "".join(lines)


def _diff(source: Path) -> None:
    command = ("git", f"--git-dir={source}", "diff", "--no-color", "main", "change")
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def _look(house: Parts, repo: str, number: int) -> None:
    database = Database(house.settings.database_url)
    secret = house.settings.webhook_secrets["git"][0]
    send(house.port, [delivery(secret, repo, number)], 1)

    def done() -> bool:
        found = row(database, repo, number)
        return found is not None and found.done == found.wanted and found.state != ""

    wait_for(done, "a look at the big change", every=0.005)
    database.close()


def _files_judged(house: Parts, repo: str, number: int) -> int:
    database = Database(house.settings.database_url)
    pull = row(database, repo, number)
    with database.read() as connection:
        last = memory.last_look(connection, pull.id) if pull else None
        facts = memory.facts_of(connection, last.facts_digest) if last else None
    database.close()
    return facts.files_changed if facts else 0


if __name__ == "__main__":
    command("big", __doc__, measure)()
