"""One protected branch: land what is approved, one entry at a time, exactly as it was tested.

The same shape as a look: read, decide, act, receipt. The merge commit is built first, tested,
pushed as a plain fast-forward of that very id, and read back. Anything that moved meanwhile
sends the entry to the start; nothing is ever forced.
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum

import sqlalchemy as sa

from intakebot import log
from intakebot.crash import crashpoint
from intakebot.flow import landing
from intakebot.flow.guard import guard, stands_on_known_ground
from intakebot.flow.house import PATIENCE, House, Lease, keep, until_met
from intakebot.flow.judge import Judgement, judgement
from intakebot.flow.promote import promote
from intakebot.model import OperatorError, Repo, State, TryLater
from intakebot.repo.git import GitFailed
from intakebot.store import lanes, runs, work
from intakebot.store.tables import lanes as lanes_table
from intakebot.store.tables import pulls

MOST_ROUNDS = 10  # in a row; then others get their turn
MOST_MOVES = 3  # times in a row that the branch may move under an entry before it waits
RETRY = timedelta(seconds=15)


Problem = TryLater | OperatorError | GitFailed


class Step(Enum):
    """What became of the first entry: it is over, it starts again, or it waits for a run."""

    OVER = "over"
    AGAIN = "again"
    WAITS = "waits"


def lane(house: House, lane_id: int) -> None:
    """Advance the lane until nothing can move; a failure is kept on the lane and tried later."""
    met = until_met(
        house, lanes_table, lane_id, MOST_ROUNDS, lambda lease: _advance_once(house, lane_id, lease)
    )
    if not met:
        house.bell.ring([f"lane:{lane_id}"])


def _advance_once(house: House, lane_id: int, lease: Lease) -> bool:
    crashpoint("lane.after_lease")
    with house.database.read() as connection:
        wanted = work.wanted(connection, lanes_table, lane_id)
        row = lanes.lane(connection, lane_id)
        repo_row = work.repo(connection, row.repo_id)
    try:
        repo = _repo(house, repo_row)
        behind = _advance_all(house, repo, repo_row, row, lease)
    except (TryLater, OperatorError, GitFailed) as error:
        return _later(house, lane_id, lease, error, stuck=not isinstance(error, TryLater))
    except Exception:
        log.bug("lane failed", lane=f"{repo_row.name}:{row.branch}")
        fault = OperatorError("a fault in intakebot; the log has it")
        return _later(house, lane_id, lease, fault, stuck=True)
    if behind is not None:  # landing goes on; only the deploy branch waits
        return _later(house, lane_id, lease, behind, stuck=False)
    with house.database.write() as connection:
        finished = work.finish(connection, lanes_table, lane_id, lease.fence, wanted)
        told = _describe(connection, house, lane_id, "", stuck=False) if finished else []
    house.bell.ring(told)
    return finished


def _later(house: House, lane_id: int, lease: Lease, error: Problem, *, stuck: bool) -> bool:
    """Keep what is wrong and try again later. Stuck: nothing can land until we mend something."""
    after = timedelta(seconds=error.after) if isinstance(error, TryLater) else RETRY
    log.warning("lane put off", lane=lane_id, why=str(error))
    told: list[str] = []
    with house.database.write() as connection:
        until = house.now() + after
        if work.postpone(connection, lanes_table, lane_id, lease.fence, until, PATIENCE):
            told = _describe(connection, house, lane_id, str(error), stuck=stuck)
    house.bell.ring(told)
    return False


def _describe(
    connection: sa.Connection, house: House, lane_id: int, problem: str, *, stuck: bool
) -> list[str]:
    """When a lane sticks or moves again, what waits in it is looked at again, to be told."""
    changed = lanes.describe(connection, lane_id, problem=problem, stuck=problem if stuck else "")
    if not changed:
        return []
    waiting = [entry.pull_id for entry in lanes.waiting(connection, lane_id)]
    for pull_id in waiting:
        work.nudge(connection, pulls, pull_id, house.now())
    return [f"look:{pull_id}" for pull_id in waiting]


def _repo(house: House, row: work.RepoRow) -> Repo:
    """The repository as the forge describes it now: addresses and branches may have changed."""
    for repo in house.forges[row.forge].repos():
        if repo.id == row.forge_id:
            return repo
    raise OperatorError(f"{row.name}: the forge no longer shows this repository to the bot")


def _advance_all(
    house: House, repo: Repo, repo_row: work.RepoRow, row: lanes.LaneRow, lease: Lease
) -> Problem | None:
    """Until the first entry waits for a run, or nothing is left. Deploys after each landing.

    Returns why the deploy branch stays behind, if it does: that keeps nothing from landing, since
    the next landing may be what heals it.
    """
    guard(house, repo, row.repo_id)
    with house.database.read() as connection:
        if lanes.frozen(connection, row.repo_id, row.branch, repo.deploy):
            return None
    behind = promote(house, repo, row, lease)
    moved = 0
    while (step := _advance(house, repo, repo_row, row, lease)) is not Step.WAITS:
        moved = moved + 1 if step is Step.AGAIN else 0
        if moved == MOST_MOVES:
            raise TryLater(f"{row.branch} moves faster than I can follow", after=10)
        behind = promote(house, repo, row, lease)
    return behind


def _advance(
    house: House, repo: Repo, repo_row: work.RepoRow, row: lanes.LaneRow, lease: Lease
) -> Step:
    with house.database.read() as connection:
        waiting = lanes.waiting(connection, row.id)
    if not waiting:
        return Step.WAITS
    entry = waiting[0]
    if entry.state == "landing" and landing.read_back(house, repo, row, entry, lease):
        return Step.OVER
    judged = _judge(house, repo_row, row, entry)
    if isinstance(judged, str):
        return _drop(house, row, lease, entry, judged)
    if not stands_on_known_ground(house, repo, row, judged.facts.base):
        raise TryLater(f"{row.branch} moved past us", after=1)  # the guard sees to it first
    built = landing.build(house, repo, row, entry, judged)
    if isinstance(built, str):
        return _drop(house, row, lease, entry, built, "failed")
    crashpoint("merge.after_build")
    ready = landing.tested(house, row, lease, built)
    if ready is None:
        return Step.WAITS
    if isinstance(ready, str):
        return _drop(house, row, lease, entry, ready, "failed")
    crashpoint("merge.after_test_pass")
    ended = landing.push(house, repo, row, built, ready, lease)
    return Step.OVER if ended == "landed" else Step.AGAIN


def _judge(
    house: House, repo_row: work.RepoRow, row: lanes.LaneRow, entry: lanes.EntryRow
) -> Judgement | str:
    """Read and judge it anew, now; or why it can't land."""
    forge = house.forges[repo_row.forge]
    pull = forge.pull(repo_row.forge_id, entry.number)
    if pull is None:
        return "it is gone from the forge"
    if pull.head != entry.head:
        return "a newer commit was pushed"
    if pull.target != row.branch:
        return f"its target is {pull.target} by now"
    with house.database.read() as connection:
        pull_row = work.pull(connection, entry.pull_id)
    judged = judgement(house, pull_row, pull, landing=True)
    if judged.heard.decided:
        raise TryLater("something was said meanwhile; a look decides it first", after=1)
    if judged.standing.state is not State.QUEUED:
        return f"it no longer stands at queued: {judged.standing.why}"
    return judged


def _drop(
    house: House,
    row: lanes.LaneRow,
    lease: Lease,
    entry: lanes.EntryRow,
    why: str,
    state: str = "dropped",
) -> Step:
    """Out of the lane. "failed" is the change's own fault, and only a new /merge tries again."""
    with house.database.write() as connection:
        keep(house, connection, lanes_table, row.id, lease)
        lanes.change_entry(connection, entry.id, state=state, why=why)
        runs.want_only(connection, entry.pull_id, "lane", [])
        work.nudge(connection, pulls, entry.pull_id, house.now())
    house.bell.ring([f"look:{entry.pull_id}"])
    return Step.OVER
