"""What the sandbox adds to a command, and what a whole tree in it costs beside git's own checkout.

In turn: a check that gets three changed files of a small and of a large repository, the bare
command, a check that gets a whole tree of 5,000 files, and `git read-tree` with `git
checkout-index` of the same tree into a memory disk, with the bare command after it. Cutting the
tree is part of the first.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.common import repositories
from benchmarks.common.report import (
    Report,
    all_of,
    at_most,
    command,
    percentile,
    ratio,
    spread,
    timed,
)
from benchmarks.common.repositories import Shape, path_of
from intakebot.checks.runner import run_check
from intakebot.checks.sandbox import Sandbox, open_sandbox
from intakebot.model import CheckDefinition, Outcome
from intakebot.repo.cut import cut
from intakebot.repo.git import Git
from intakebot.repo.objects import write_tar

COMMAND = ("/bin/true",)
SMALL, LARGE = Shape(files=500, commits=1), Shape(files=50_000, commits=1)
WHOLE = 5_000  # files
QUICK = 20
MEMORY_DISK = Path("/dev/shm")  # noqa: S108 - in a folder of its own
TRUE = CheckDefinition("true", COMMAND, "none", "-", 60, 256 << 20, "digest")


def measure(quick: bool) -> Report:
    rounds = 1 if quick else 25
    small, large, whole = (Shape(QUICK, 1),) * 3 if quick else (SMALL, LARGE, Shape(WHOLE, 1))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sandbox = open_sandbox()
        few = {
            "small": _Few(sandbox, repositories.make(folder / "small.git", small)),
            "large": _Few(sandbox, repositories.make(folder / "large.git", large)),
        }
        full = _Whole(sandbox, repositories.make(folder / "whole.git", whole))
        times: dict[str, list[float]] = {
            name: [] for name in ("bare", "small", "large", "whole", "checkout")
        }
        for turn in range(rounds):
            times["bare"].append(timed(_bare))
            for size, track in few.items():
                times[size].append(timed(partial(track.run, turn)))
            times["whole"].append(timed(full.run))
            times["checkout"].append(timed(full.bare))
            full.clear()
        passed = [*few["small"].passed, *few["large"].passed, *full.passed]
    overhead = percentile(times["small"], 50) - percentile(times["bare"], 50)
    bounds = [
        at_most("ms over the bare command, three files", overhead * 1000, 50),
        at_most(
            "of 500 files in the repository, 50,000", ratio(times["large"], times["small"]), 1.25
        ),
        at_most(
            "times read-tree and checkout-index, 5,000 files",
            ratio(times["whole"], times["checkout"]),
            2,
        ),
        all_of("checks that passed", sum(passed), 3 * rounds),
    ]
    return Report({name: spread(values) for name, values in times.items()}, bounds)


class _Few:
    """A check that gets three files, other ones each time: nothing is remembered from before."""

    def __init__(self, sandbox: Sandbox, repository: Path) -> None:
        self.sandbox, self.git = sandbox, Git(repository)
        self.tree = repositories.git(repository, "rev-parse", "main^{tree}")
        self.passed: list[bool] = []

    def run(self, turn: int) -> None:
        part = cut(self.git, self.tree, (), [path_of((turn + step) % QUICK) for step in range(3)])
        self.passed.append(part is not None and _passes(self.sandbox, self.git, part))


class _Whole:
    def __init__(self, sandbox: Sandbox, repository: Path) -> None:
        self.sandbox, self.git = sandbox, Git(repository)
        self.tree = repositories.git(repository, "rev-parse", "main^{tree}")
        self.passed: list[bool] = []
        self.out = Path(tempfile.mkdtemp(dir=MEMORY_DISK))

    def run(self) -> None:
        self.passed.append(_passes(self.sandbox, self.git, self.tree))

    def bare(self) -> None:
        (self.out / "tree").mkdir()
        place = {"GIT_INDEX_FILE": f"{self.out}/index", "GIT_WORK_TREE": f"{self.out}/tree"}
        repositories.git(self.git.folder, "read-tree", self.tree, env=place)
        repositories.git(self.git.folder, "checkout-index", "--all", env=place)
        _bare()

    def clear(self) -> None:
        shutil.rmtree(self.out)
        self.out.mkdir()


def _passes(sandbox: Sandbox, git: Git, tree: str) -> bool:
    result = run_check(TRUE, lambda out: write_tar(git, tree, out), sandbox, toolbox=None)
    return result is not None and result.outcome is Outcome.PASSED


def _bare() -> None:
    subprocess.run(COMMAND, check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    command("runner", __doc__, measure)()
