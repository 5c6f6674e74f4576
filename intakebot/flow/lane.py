"""One protected branch: land what is approved, one entry at a time, exactly as it was tested.

The same shape as a look: read, decide, act, receipt. The merge commit is built first, tested,
pushed as a plain fast-forward of that very id, and read back. Anything that moved meanwhile
sends the entry to the start; nothing is ever forced.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from enum import Enum

from intakebot import log
from intakebot.core import escape
from intakebot.core.train import Ready, judge_results
from intakebot.crash import crashpoint
from intakebot.flow.house import PATIENCE, House, Lease, held, keep
from intakebot.flow.judge import Judgement, judgement
from intakebot.flow.promote import promote
from intakebot.model import OperatorError, Repo, State, TryLater
from intakebot.repo import land
from intakebot.repo.change import is_ancestor
from intakebot.repo.git import GitFailed
from intakebot.store import lanes, memory, runs, work
from intakebot.store.tables import lanes as lanes_table
from intakebot.store.tables import pulls

MOST_STEPS = 50  # steps in a row; then others get their turn
RETRY = timedelta(seconds=15)


class Step(Enum):
    """What became of the first entry: it is over, it starts again, or it waits for a run."""

    OVER = "over"
    AGAIN = "again"
    WAITS = "waits"


def lane(house: House, lane_id: int) -> None:
    """Advance the lane until nothing can move; a failure is kept on the lane and tried later."""
    for _ in range(MOST_STEPS):
        with house.database.read() as connection:
            if not work.is_due(connection, lanes_table, lane_id, house.now()):
                return
        with held(house, lanes_table, lane_id) as lease:
            if lease is None:
                return
            crashpoint("lane.after_lease")
            if not _advance_once(house, lane_id, lease):
                return


def _advance_once(house: House, lane_id: int, lease: Lease) -> bool:
    with house.database.read() as connection:
        wanted = work.wanted(connection, lanes_table, lane_id)
        row = lanes.lane(connection, lane_id)
        repo_row = work.repo(connection, row.repo_id)
    try:
        repo = _repo(house, repo_row)
        promote(house, repo, row, lease)
        while _advance(house, repo, repo_row, row, lease) is not Step.WAITS:
            promote(house, repo, row, lease)
    except (TryLater, OperatorError, GitFailed) as error:
        return _later(house, lane_id, lease, error)
    except Exception:
        log.bug("lane failed", lane=f"{repo_row.name}:{row.branch}")
        return _later(house, lane_id, lease, OperatorError("a fault in intakebot; the log has it"))
    with house.database.write() as connection:
        finished = work.finish(connection, lanes_table, lane_id, lease.fence, wanted)
        if finished:
            lanes.describe(connection, lane_id, problem="")
    return finished


def _later(house: House, lane_id: int, lease: Lease, error: Exception) -> bool:
    after = timedelta(seconds=error.after) if isinstance(error, TryLater) else RETRY
    log.warning("lane put off", lane=lane_id, why=str(error))
    with house.database.write() as connection:
        until = house.now() + after
        if work.postpone(connection, lanes_table, lane_id, lease.fence, until, PATIENCE):
            lanes.describe(connection, lane_id, problem=str(error))
    return False


def _repo(house: House, row: work.RepoRow) -> Repo:
    """The repository as the forge describes it now: addresses and branches may have changed."""
    for repo in house.forges[row.forge].repos():
        if repo.id == row.forge_id:
            return repo
    raise OperatorError(f"{row.name}: the forge no longer shows this repository to the bot")


@dataclass(frozen=True, slots=True)
class _Landing:
    """One entry on its way: the merge commit that is built for it, and what it stands on."""

    entry: lanes.EntryRow
    judged: Judgement
    base: str
    tree: str
    commit: str


def _advance(
    house: House, repo: Repo, repo_row: work.RepoRow, row: lanes.LaneRow, lease: Lease
) -> Step:
    with house.database.read() as connection:
        waiting = lanes.waiting(connection, row.id)
    if not waiting:
        return Step.WAITS
    entry = waiting[0]
    if entry.state == "landing" and _finish_interrupted(house, repo, row, entry, lease):
        return Step.OVER
    judged = _judge(house, repo_row, row, entry)
    if isinstance(judged, str):
        return _drop(house, row, lease, entry, judged)
    built = _build(house, repo, row, entry, judged)
    if isinstance(built, str):
        return _drop(house, row, lease, entry, built, "failed")
    crashpoint("merge.after_build")
    tested = _tested(house, row, lease, built)
    if tested is None:
        return Step.WAITS
    if isinstance(tested, str):
        return _drop(house, row, lease, entry, tested, "failed")
    crashpoint("merge.after_test_pass")
    return _push(house, repo, row, built, tested, lease)


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
    judged = judgement(house, pull_row, pull)
    if judged.heard.decided:
        raise TryLater("something was said meanwhile; a look decides it first", after=1)
    if judged.standing.state is not State.QUEUED:
        return f"it no longer stands at queued: {judged.standing.why}"
    return judged


def _build(
    house: House, repo: Repo, row: lanes.LaneRow, entry: lanes.EntryRow, judged: Judgement
) -> _Landing | str:
    """The merge commit for the target's tip of now. Same inputs, same id."""
    change = judged.reading.change
    if change is None or change.result_tree is None:
        return "it can't be merged"
    if change.contained:
        return f"{row.branch} contains it already"
    mirror = house.mirror(repo)
    commit = land.merge_commit(
        mirror.git,
        change.result_tree,
        change.base,
        entry.head,
        _message(judged, entry),
        entry.asked_at,
    )
    return _Landing(entry, judged, change.base, change.result_tree, commit)


def _message(judged: Judgement, entry: lanes.EntryRow) -> str:
    pull = judged.pull
    title = escape.visible(pull.title, 120)
    approved = sorted(command.by.login for command in judged.asks.approvals.values())
    return "\n".join(
        (
            f"Merge pull request #{pull.number}: {title}",
            "",
            f"{pull.url}",
            "",
            *(f"Approved-by: {login}" for login in approved),
            f"Merge-asked-by: {entry.asked_login}",
            "",
        )
    )


def _tested(house: House, row: lanes.LaneRow, lease: Lease, built: _Landing) -> Ready | str | None:
    """Results of every check on exactly this tree; None while some are still to come."""
    checks, entry = built.judged.reading.config.checks, built.entry
    now = house.now()
    bells: list[str] = []
    with house.database.write() as connection:
        keep(house, connection, lanes_table, row.id, lease)
        results = runs.newest(connection, built.tree, checks)
        verdict = judge_results(checks, {key: run.result for key, run in results.items()})
        ids = []
        if verdict is None:
            for check in checks:
                run_id, is_new = runs.ask(
                    connection, row.repo_id, entry.pull_id, "lane", check, built.tree, now
                )
                ids.append(run_id)
                bells += [f"run:{run_id}"] if is_new else []
            lanes.change_entry(
                connection,
                entry.id,
                state="testing",
                base=built.base,
                tree=built.tree,
                commit=built.commit,
            )
        runs.want_only(connection, entry.pull_id, "lane", ids)
    house.bell.ring(bells)
    if isinstance(verdict, Ready):
        return replace(verdict, runs=tuple(sorted(run.id for run in results.values())))
    return verdict


def _push(
    house: House,
    repo: Repo,
    row: lanes.LaneRow,
    built: _Landing,
    tested: Ready,
    lease: Lease,
) -> Step:
    entry, judged = built.entry, built.judged
    with house.database.write() as connection:
        # Whoever was paused past the lease must find out before the push, not after.
        keep(house, connection, lanes_table, row.id, lease)
        lanes.intend_landing(
            connection,
            {
                "entry_id": entry.id,
                "repo_id": row.repo_id,
                "pull_id": entry.pull_id,
                "number": entry.number,
                "branch": row.branch,
                "head": entry.head,
                "base": built.base,
                "commit": built.commit,
                "tree": built.tree,
                "checks": list(tested.runs),
                "facts_digest": memory.digest(asdict(judged.facts)),
                "rules_digest": house.rules_digest,
                "author_id": judged.pull.author.id,
                "asked_by": entry.asked_by,
                "asked_login": entry.asked_login,
                "fence": lease.fence,
                "intended_at": house.now(),
                "deploy_branch": repo.deploy,
                "deploy_asked": judged.reading.config.promote == "at-once",
            },
        )
        lanes.change_entry(
            connection,
            entry.id,
            state="landing",
            base=built.base,
            tree=built.tree,
            commit=built.commit,
        )
    crashpoint("merge.before_push")
    ended = land.push(house.landing(repo).git, repo.clone_url, built.commit, row.branch)
    crashpoint("merge.after_push_before_record")
    if ended == "moved":
        return Step.AGAIN
    if ended == "refused":
        raise OperatorError(
            f"the forge refuses the bot's push to {row.branch}; "
            "let the landing credential write to it"
        )
    if not _finish_interrupted(house, repo, row, replace(entry, commit=built.commit), lease):
        raise TryLater(f"{row.branch} was pushed, but reads back as something else")
    return Step.OVER


def _finish_interrupted(
    house: House, repo: Repo, row: lanes.LaneRow, entry: lanes.EntryRow, lease: Lease
) -> bool:
    """Read the branch back; when it holds the commit, write the receipt. False when it doesn't."""
    mirror = house.mirror(repo)
    tip = mirror.tips(repo.clone_url, [row.branch]).get(row.branch)
    if tip is None:
        return False
    mirror.fetch(repo.clone_url, tip, "base")
    if tip != entry.commit and not _contains(house, repo, entry.commit, tip):
        return False
    now = house.now()
    with house.database.write() as connection:
        keep(house, connection, lanes_table, row.id, lease)
        landing = lanes.landing_of_entry(connection, entry.id)
        if landing is None or landing.commit != entry.commit:
            return False
        same = row.branch == landing.deploy_branch
        lanes.change_landing(
            connection, landing.id, landed_at=now, deployed_at=now if same else None
        )
        lanes.change_entry(connection, entry.id, state="landed")
        work.nudge(connection, pulls, entry.pull_id, now)
    crashpoint("merge.after_record")
    house.bell.ring([f"look:{entry.pull_id}"])
    return True


def _contains(house: House, repo: Repo, commit: str, tip: str) -> bool:
    git = house.mirror(repo).git
    known = git.status("cat-file", "-e", f"{commit}^{{commit}}", ok=(0, 1, 128))[0] == 0
    return known and is_ancestor(git, commit, tip)


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
