"""A report over 100,000 submissions: read, counted and drawn, in a process of its own.

In turn with one over a tenth of them; and one from what a house has seen of as many pull requests,
before it has counted those that are over, afterwards, and when one of its people has changed since.
Making the tables and the house's past is not counted.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.common.past import Past
from benchmarks.common.report import Figures, Report, all_of, at_most, command, ratio
from intakebot.cli.uncollected import uncollected
from intakebot.core.metrics.table import COLUMNS
from intakebot.core.reportfile import Basis
from intakebot.model import Group
from intakebot.report.count import write_down
from intakebot.report.whose import Key
from intakebot.store import people, schema
from intakebot.store.database import Database

ROWS, AGENCIES = 100_000, 40
KINDS = ("lint", "title", "too-big", "no-test")
KEY = Key("of this house")
MB = 1 << 20


def measure(quick: bool) -> Report:
    whole, rounds = (1_000, 1) if quick else (ROWS, 3)
    with tempfile.TemporaryDirectory() as name:
        large, small = Path(name, "large.csv"), Path(name, "small.csv")
        large.write_text(_table(whole))
        small.write_text(_table(whole // 10))
        times: dict[Path, list[float]] = {large: [], small: []}
        peaks, pages = [], []
        for _ in range(rounds):
            for table in (large, small):
                seconds, peak, page = _once(table, Path(name, "report.html"))
                times[table].append(seconds)
                if table is large:
                    peaks.append(peak)
                    pages.append(page)
        house = _house(Path(name), ROWS if not quick else 300)
    typical, highest = statistics.median(times[large]), max(peaks) / MB
    figures: Figures = {
        "submissions": whole,
        "seconds": typical,
        "seconds_a_tenth": statistics.median(times[small]),
        "peak_mb": highest,
        "house": house,
    }
    bounds = [
        at_most("seconds", typical, 10),
        at_most("peak in MB", highest, 500),
        at_most("times a tenth of it", ratio(times[large], times[small]), 11),
        all_of("agencies on the page", min(pages), AGENCIES),
        at_most("seconds of a house", house["seconds"], 10),
        at_most("seconds of a house, somebody changed", house["seconds_after_change"], 10),
        at_most("seconds of a house, nothing counted yet", house["seconds_uncounted"], 10),
        at_most("peak of a house in MB", max(house["peak_mb"], house["peak_mb_uncounted"]), 500),
    ]
    return Report(figures, bounds)


def once(table: str, out: str) -> None:
    """What the process does; prints its peak in bytes, and how many agencies are on the page."""
    from intakebot.core.metrics.table import read_table
    from intakebot.core.metrics.targets import Targets
    from intakebot.report.build import build
    from intakebot.report.html import to_html

    with uncollected():
        text = to_html(build(read_table(Path(table).read_text("utf-8"), table), Targets()))
    Path(out).write_text(text, "utf-8")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"bytes": peak, "agencies": text.count('<span class="verdict">')}))


def of_house(url: str, out: str) -> None:
    """What the process does; prints its peak in bytes."""
    from intakebot.report.gather import gather
    from intakebot.report.html import to_html

    database = Database(url)
    with database.read() as connection, uncollected():
        text = to_html(gather(connection, Basis(), KEY, lambda repo, number: f"{repo}/{number}"))
    Path(out).write_text(text, "utf-8")
    database.close()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def _house(folder: Path, count: int) -> dict[str, float]:
    """Of whole processes. Both pages are the same."""
    url = f"sqlite:///{folder / 'house.db'}"
    database = Database(url)
    schema.upgrade(database, now=datetime.now(UTC))
    Past(count).live(database)
    before, after = folder / "before.html", folder / "after.html"
    uncounted, peak_uncounted = _of_house(url, before)
    started = time.perf_counter()
    written = write_down(database, Basis(), KEY)
    counting = time.perf_counter() - started
    rounds = [_of_house(url, after) for _ in range(3)]
    _enlist_again(database)
    database.close()
    changed, _ = _of_house(url, folder / "changed.html")
    if before.read_bytes() != after.read_bytes():
        raise RuntimeError("what was counted before gives another page")
    return {
        "pull_requests": count,
        "seconds_uncounted": uncounted,
        "peak_mb_uncounted": peak_uncounted / MB,
        "counted": written,
        "seconds_to_count": counting,
        "seconds_after_change": changed,
        "seconds": statistics.median(seconds for seconds, _ in rounds),
        "peak_mb": max(peak for _, peak in rounds) / MB,
    }


def _enlist_again(database: Database) -> None:
    """One of thirteen people, from a day on that leaves the numbers as they are."""
    with database.write() as connection:
        person = people.linked(connection, "git", "alder0")
        assert person is not None  # noqa: S101 - Past has put her there
        since = datetime(2000, 1, 1, tzinfo=UTC)
        people.change(
            connection,
            person,
            name="Alder0",
            group=Group.AGENCY,
            agency="Alder",
            roles=(),
            valid_from=since,
        )


def _of_house(url: str, out: Path) -> tuple[float, int]:
    """Seconds of the whole process, and its peak."""
    started = time.perf_counter()
    code = f"from benchmarks.report import of_house; of_house({url!r}, {str(out)!r})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - started, int(done.stdout)


def _once(table: Path, out: Path) -> tuple[float, int, int]:
    """Seconds of the whole process, its peak, and the agencies on its page."""
    code = f"from benchmarks.report import once; once({str(table)!r}, {str(out)!r})"
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    seconds = time.perf_counter() - started
    said = json.loads(done.stdout)
    return seconds, said["bytes"], said["agencies"]


def _table(rows: int) -> str:
    """Made up: the same each time."""
    random.seed(1)
    lines = [",".join(COLUMNS)]
    for number in range(rows):
        agency, good = number % AGENCIES, random.random() < 0.3 + 0.01 * (number % AGENCIES)  # noqa: S311
        lines_changed = random.choice((20, 60, 150, 280, 700))  # noqa: S311
        size = "S" if lines_changed <= 80 else "M" if lines_changed <= 300 else "L"
        kinds = "" if good else ";".join(random.sample(KINDS, 1 + number % 2))
        fix = "" if good else f"{random.random() * 40:.1f}"  # noqa: S311
        cells = (
            number,
            f"Agency {agency:02}",
            f"p{agency}-{number % 7}",
            f"repo{number % 12}",
            size,
        )
        seen = (lines_changed, 1 + number // AGENCIES, int(good), 1 if good else 3, fix)
        found = (
            "" if good else 0,
            kinds,
            0 if good else number % 9,
            int(not good and not number % 5),
        )
        ended = ("merged", int(number % 50 == 0), 1)
        lines.append(",".join(map(str, (*cells, *seen, *found, *ended))))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    command("report", __doc__, measure)()
