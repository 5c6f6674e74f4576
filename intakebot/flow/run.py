"""Run one check on one tree in the sandbox, while somebody still wants the result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from intakebot import log
from intakebot.checks.prepare import NotPrepared, with_archives
from intakebot.checks.runner import run_check
from intakebot.crash import crashpoint
from intakebot.flow import elsewhere
from intakebot.flow.house import LEASE, House
from intakebot.model import CheckResult, OperatorError, Outcome, PrepareStep, Repo, TryLater
from intakebot.repo.cut import cut
from intakebot.repo.git import Git
from intakebot.repo.objects import has_tree, write_tar
from intakebot.store import leases, runs, work
from intakebot.store.runs import RunRow
from intakebot.store.tables import runs as runs_table

ASK_EVERY = timedelta(seconds=2)  # how often a running check asks whether it is still wanted


def run(house: House, run_id: int) -> None:
    with house.database.write() as connection:
        taken = runs.start(connection, run_id, house.owner, house.now(), LEASE)
        repo = work.repo(connection, taken[0].repo_id) if taken else None
    if taken is None or repo is None:
        elsewhere.clear_away(house, run_id)
        return
    row, fence = taken
    crashpoint("run.after_lease")
    mirror = house.mirror(Repo(repo.forge, repo.forge_id, repo.name, "", "", ""))
    pulse = _Pulse(house, run_id, fence, house.now())
    if not has_tree(mirror.git, row.tree):
        _ask_again(house, run_id, fence)
        return
    try:
        if row.definition.is_elsewhere:
            _end_elsewhere(house, row, fence)
            return
        result = _result(house, mirror.git, row, pulse)
    except BaseException:
        with house.database.write() as connection:
            runs.put_back(connection, run_id, fence)
        raise
    _end(house, run_id, fence, result, stopped=house.stopping.is_set())


def _end_elsewhere(house: House, row: RunRow, fence: int) -> None:
    result = elsewhere.tend(house, row, fence)
    if result is not None:
        _end(house, row.id, fence, result, stopped=False)
        house.bell.ring([f"run:{row.id}"])  # to delete its branch


def _ask_again(house: House, run_id: int, fence: int) -> None:
    """Trees of checks and merges are made where they are asked for. Where that was another machine,
    or the mirror has been thrown away since, whoever wants the run makes it again."""
    with house.database.write() as connection:
        waiting = runs.lost(connection, run_id, fence, house.now())
    house.bell.ring([f"look:{pull_id}" for pull_id in waiting])


def _result(house: House, git: Git, row: RunRow, pulse: _Pulse) -> CheckResult | None:
    """None when nobody needs it any more."""
    check, archives = row.definition, []
    try:
        for step in check.prepare:
            archive = _prepared(house, git, row, step, pulse)
            if archive is None:
                return None
            archives.append(archive)
    except NotPrepared as error:
        return CheckResult(Outcome.FAILED, f"what it needs is not there: {error}", log=error.log)
    except OperatorError as error:
        return CheckResult(Outcome.BROKEN, str(error))
    return run_check(
        check,
        with_archives(partial(write_tar, git, row.tree), archives),
        house.sandbox(),
        toolbox=house.toolbox(),
        keep_alive=pulse,
    )


def _prepared(house: House, git: Git, row: RunRow, step: PrepareStep, pulse: _Pulse) -> Path | None:
    files = cut(git, row.tree, step.files, ())
    if files is None:
        raise NotPrepared(f"`{step.name}` needs {' or '.join(step.files)}, which is not here", "")
    tree = partial(write_tar, git, files)
    return house.pantry.get(step, files, tree, house.sandbox(), house.toolbox(), pulse)


@dataclass(slots=True)
class _Pulse:
    """Called while the check runs: renews the lease, and says whether to go on."""

    house: House
    run_id: int
    fence: int
    asked: datetime

    def __call__(self) -> bool:
        now = self.house.now()
        if self.house.stopping.is_set():
            return False
        if now - self.asked < ASK_EVERY:
            return True
        self.asked = now
        try:
            with self.house.database.write() as connection:
                kept = leases.renew(connection, runs_table, self.run_id, self.fence, now, LEASE)
                return kept and runs.is_wanted(connection, self.run_id)
        except TryLater as error:
            log.warning("run not renewed", run=self.run_id, why=str(error))
            return True


def _end(
    house: House, run_id: int, fence: int, result: CheckResult | None, *, stopped: bool
) -> None:
    waiting: list[int] = []
    with house.database.write() as connection:
        if result is not None:
            waiting = runs.finish(connection, run_id, fence, result, house.now())
        elif stopped:
            runs.put_back(connection, run_id, fence)
        else:
            runs.give_up(connection, run_id, fence)
        crashpoint("run.before_commit")
    house.bell.ring([f"look:{pull_id}" for pull_id in waiting])
