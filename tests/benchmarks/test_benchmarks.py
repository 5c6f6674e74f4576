"""Every benchmark runs and loses nothing. How fast it is, it says; tests run on busy machines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import NAMES
from benchmarks.common import processes, repositories
from benchmarks.common.report import Bound, Report, command, percentile, ratio, rounded, spread
from benchmarks.common.repositories import Shape

CHECKOUT = Path(__file__).resolve().parent.parent.parent


class Quick:
    def __init__(self, name: str, folder: Path) -> None:
        self.out, self.err = folder / f"{name}.json", folder / f"{name}.err"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"benchmarks.{name}", "--quick"],
                cwd=CHECKOUT,
                stdout=out,
                stderr=err,
            )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Quick]]:
    """All at once: it is not speed that is looked at."""
    folder = tmp_path_factory.mktemp("quick")
    started = {name: Quick(name, folder) for name in NAMES}
    yield started
    for quick in started.values():
        quick.process.send_signal(signal.SIGINT)  # so that it ends the house that it has started
        quick.process.wait()


@pytest.mark.parametrize("name", NAMES)
def test_a_quick_run_prints_figures_and_loses_nothing(
    running: Mapping[str, Quick], name: str
) -> None:
    quick = running[name]
    assert quick.process.wait(timeout=300) == 0, quick.err.read_text()[-2000:]
    found = json.loads(quick.out.read_text())
    assert (found["benchmark"], found["quick"]) == (name, True)
    assert {"cores", "python", "git"} <= set(found["machine"])
    assert found["figures"]
    assert found["holds"] == all(bound["holds"] for bound in found["bounds"])
    wrong = [one for one in found["bounds"] if one["about"] == "correctness" and not one["holds"]]
    assert wrong == []


def test_every_benchmark_is_a_line_of_make_bench() -> None:
    modules = {path.stem for path in (CHECKOUT / "benchmarks").glob("*.py")}
    assert modules - {"__init__", "__main__", "bare"} == set(NAMES)


# --- what they share ------------------------------------------------------------------


def report(value: float) -> Report:
    return Report({"seconds": value}, [Bound("seconds", value, "at most", 1)])


@pytest.mark.parametrize(
    ("value", "arguments", "status"),
    [(1, [], 0), (2, [], 0), (1, ["--strict"], 0), (2, ["--strict"], 1)],
)
def test_only_strict_fails_for_a_bound_that_does_not_hold(
    value: float, arguments: list[str], status: int
) -> None:
    done = CliRunner().invoke(command("one", None, lambda quick: report(value)), arguments)
    assert done.exit_code == status
    assert json.loads(done.output)["bounds"][0]["holds"] == (value <= 1)


def test_percentiles_are_values_that_were_measured() -> None:
    hundred = [float(n) for n in range(100, 0, -1)]
    assert [percentile(hundred, p) for p in (1, 50, 99, 100)] == [1, 50, 99, 100]
    assert percentile([7.0], 99) == 7
    assert spread([0.002, 0.001])["max_ms"] == 2


def test_a_ratio_is_the_median_of_the_pairs_own() -> None:
    assert ratio([2, 30, 2], [1, 10, 1]) == 2


def test_figures_keep_three_digits() -> None:
    given = {"a": 0.0123456, "b": [1234.5], "n": 123456, "zero": 0.0}
    assert rounded(given) == {"a": 0.0123, "b": [1234], "n": 123456, "zero": 0.0}


def test_a_repository_has_the_files_and_commits_that_were_asked_for(tmp_path: Path) -> None:
    made = repositories.make(tmp_path / "a.git", Shape(files=250, commits=12), {"b.txt": "b\n"})
    files = repositories.git(made, "ls-tree", "-r", "--name-only", "main").splitlines()
    assert len(files) == 251 and "b.txt" in files
    assert repositories.git(made, "rev-list", "--count", "main") == "12"
    tip = repositories.add_commit(made, "more", [("c.txt", "c\n")], 20)
    assert repositories.git(made, "diff", "--name-only", "main", tip) == "c.txt"


def test_memory_and_time_of_a_tree_are_those_of_its_processes() -> None:
    work = "import time; held = b'x' * (64 << 20); t = time.process_time\nwhile t() < 0.3: pass\n"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}]); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, start_new_session=True
    ) as process:
        with processes.Peak(process.pid) as peak:
            deadline = time.monotonic() + 30
            while processes.cpu_seconds(process.pid) < 0.3 and time.monotonic() < deadline:
                time.sleep(0.01)
            # Whether it has ended meanwhile is its own affair; below nothing may end any more.
            while len(list(processes.tree(process.pid))) > 1 and time.monotonic() < deadline:
                time.sleep(0.01)
        assert list(processes.tree(process.pid)) == [process.pid]
        assert processes.cpu_seconds(process.pid) >= 0.3
        assert peak.bytes > 64 << 20
        assert 0 < processes.pss(process.pid) <= processes.rss(process.pid) + (1 << 20)
        process.communicate(b"\n")
    assert next(processes.tree(os.getpid())) == os.getpid()
