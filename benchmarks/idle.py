"""A whole house at rest, and how long it takes to be ready."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.common.processes import cpu_seconds, pss, rss, tree
from benchmarks.common.report import Report, at_most, command, timed
from intakebot.world.house import RunningHouse

MB = 1 << 20


def measure(quick: bool) -> Report:
    settle, watch = (0.5, 2.0) if quick else (20.0, 120.0)
    with tempfile.TemporaryDirectory() as folder:
        house = RunningHouse(Path(folder, "state"))
        try:
            first = timed(house.start)
            if not quick:
                house.stop()
            again = first if quick else timed(house.start)
            time.sleep(settle)  # what it does once, after a start, is over
            root = _top(house)
            before = cpu_seconds(root)
            time.sleep(watch)
            share = (cpu_seconds(root) - before) / watch * 100
            memory, resident, processes = pss(root), rss(root), len(list(tree(root)))
        finally:
            house.stop()
    figures = {
        "first_start_s": first,
        "start_s": again,
        "processes": processes,
        "pss_mb": memory / MB,
        "summed_rss_mb": resident / MB,
        "percent_of_a_core": share,
        "watched_s": watch,
    }
    bounds = [
        at_most("MB of the whole tree (PSS)", memory / MB, 300),
        at_most("percent of a core", share, 1),
    ]
    return Report(figures, bounds)


def _top(house: RunningHouse) -> int:
    if house.process is None:
        raise RuntimeError("the house does not run")
    return house.process.pid


if __name__ == "__main__":
    command("idle", __doc__, measure)()
