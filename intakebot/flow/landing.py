"""One entry of a lane on its way: build its commit, test it, push it, read it back.

What is pushed is the very commit whose tree was tested, as a plain fast-forward. The intention is
written before the push and the receipt after reading back, so a kill in between is made good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from intakebot import log
from intakebot.core import escape
from intakebot.core.asks import listed
from intakebot.core.checking import Tasks, without_optional
from intakebot.core.train import Broken, Ready, judge_results
from intakebot.crash import crashpoint
from intakebot.flow.house import House, Lease, keep
from intakebot.flow.judge import Judgement
from intakebot.flow.tasks import results_of, tasks_of
from intakebot.model import Change, OperatorError, Repo, TryLater
from intakebot.repo import combine, land
from intakebot.repo.change import is_ancestor, new_commits, tree_of
from intakebot.repo.git import Git
from intakebot.store import lanes, memory, runs, work
from intakebot.store.tables import lanes as lanes_table
from intakebot.store.tables import pulls

MOST_AUTHORS = 20  # named in one squashed commit


@dataclass(frozen=True, slots=True)
class Built:
    """One entry on its way: the commit that is built for it, and what it stands on."""

    entry: lanes.EntryRow
    judged: Judgement
    base: str
    tree: str
    commit: str


def build(
    house: House, repo: Repo, row: lanes.LaneRow, entry: lanes.EntryRow, judged: Judgement
) -> Built | str:
    """The commit to land on the target's tip of now, or why there is none. Same inputs, same id."""
    change = judged.reading.change
    if change is None or change.result_tree is None:
        return "it can't be merged"
    if change.contained:
        return f"{row.branch} contains it already"
    git, method = house.mirror(repo).git, judged.reading.config.method
    if method != "merge" and change.result_tree == tree_of(git, change.base):
        return f"{row.branch} has all that it changes already"
    try:
        commit = _combined(git, change, judged, entry)
    except combine.CannotCombine as error:
        return f"it {error}"
    if tree_of(git, commit) != change.result_tree:
        return f"by {method} it gives other content than was judged; rebase it and push"
    if carried := _carried(house, git, row, entry, change.base, commit):
        return carried
    return Built(entry, judged, change.base, change.result_tree, commit)


def _combined(git: Git, change: Change, judged: Judgement, entry: lanes.EntryRow) -> str:
    """By the method that the target's configuration names. Raises CannotCombine."""
    base, head, at = change.base, entry.head, entry.asked_at
    tree = change.result_tree or ""
    title = escape.visible(judged.pull.title, 120)
    match judged.reading.config.method:
        case "merge":
            subject = f"Merge pull request #{entry.number}: {title}"
            return combine.merge(git, tree, base, head, _message(subject, judged, entry), at)
        case "squash":
            people = combine.authors(git, base, head)[1:MOST_AUTHORS]
            named = [f"Co-authored-by: {escape.visible(one, 200)}" for one in people]
            message = _message(f"{title} (#{entry.number})", judged, entry, named)
            return combine.squash(git, tree, base, head, message, at)
        case "rebase":
            return combine.rebase(git, base, head, at)


def _carried(
    house: House, git: Git, row: lanes.LaneRow, entry: lanes.EntryRow, base: str, commit: str
) -> str:
    """Why this would land another open pull request too, one that is not ready itself; else "".

    Forges mark a pull request as merged when its head comes to be in the target.
    """
    with house.database.read() as connection:
        others = work.unready(connection, row.repo_id, entry.pull_id)
    coming = new_commits(git, base, commit) if others else frozenset()
    numbers = [f"#{one.number}" for one in others if one.head in coming]
    if not numbers:
        return ""
    them = "they are" if len(numbers) > 1 else "it is"
    return (
        f"it holds all commits of {listed(numbers, 'and')}, which would count as merged with it; "
        f"land that first, or close it: {them} not ready"
    )


def _message(
    subject: str, judged: Judgement, entry: lanes.EntryRow, trailers: Sequence[str] = ()
) -> str:
    # People choose their own names: one must not add lines that say more than is true.
    approved = sorted(
        escape.visible(command.by.login, 120) for command in judged.asks.approvals.values()
    )
    return "\n".join(
        (
            subject,
            "",
            f"{judged.pull.url}",
            "",
            *trailers,
            *(f"Approved-by: {login}" for login in approved),
            f"Merge-asked-by: {escape.visible(entry.asked_login, 120)}",
            "",
        )
    )


def tested(house: House, row: lanes.LaneRow, lease: Lease, built: Built) -> Ready | str | None:
    """Results of every check on exactly this tree; None while some are still to come."""
    entry, now = built.entry, house.now()
    tasks = _tasks(built)
    bells: list[str] = []
    with house.database.write() as connection:
        keep(house, connection, lanes_table, row.id, lease)
        checked = results_of(connection, tasks)
        verdict = judge_results(tasks, checked)
        ids = []
        if verdict is None:
            for task in checked.asked:
                run_id, bell = runs.ask(connection, row.repo_id, entry.pull_id, "lane", task, now)
                ids.append(run_id)
                bells += [bell] if bell else []
            lanes.change_entry(
                connection,
                entry.id,
                state="testing",
                base=built.base,
                tree=built.tree,
                commit=built.commit,
            )
        runs.want_only(connection, entry.pull_id, "lane", ids)
        proof = runs.proof(connection, tasks, checked)
    house.bell.ring(bells)
    if isinstance(verdict, Broken):
        raise OperatorError(f"#{entry.number}: {verdict.why}")
    return replace(verdict, runs=proof) if isinstance(verdict, Ready) else verdict


def _tasks(built: Built) -> Tasks:
    """Of the checks that have to pass, on what lands and on what it lands on."""
    reading = built.judged.reading
    change = reading.change
    files = change.files if change else ()
    checks = without_optional(reading.config.checks)
    if not checks:
        return Tasks()
    before = tree_of(reading.git, built.base)
    return tasks_of(reading.git, checks, files, built.tree, before)


def push(
    house: House,
    repo: Repo,
    row: lanes.LaneRow,
    built: Built,
    ready: Ready,
    lease: Lease,
) -> Literal["landed", "moved"]:
    """Write the intention, push, read back. "moved" when the branch is elsewhere by now."""
    entry = built.entry
    _intend(house, repo, row, built, ready, lease)
    crashpoint("merge.before_push")
    ended = land.push(house.landing(repo).git, repo.clone_url, built.commit, row.branch)
    crashpoint("merge.after_push_before_record")
    if ended == "moved":
        return "moved"
    if ended == "refused":
        raise OperatorError(
            f"the forge refuses the bot's push to {row.branch}; "
            "let the landing credential write to it"
        )
    house.mirror(repo).keep(built.commit, "base")  # it is here: not to be fetched back
    if not read_back(house, repo, row, replace(entry, commit=built.commit), lease):
        raise TryLater(f"{row.branch} was pushed, but reads back as something else")
    return "landed"


def _intend(
    house: House, repo: Repo, row: lanes.LaneRow, built: Built, ready: Ready, lease: Lease
) -> None:
    """Written before the push, so that a kill right after it is made good."""
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
                "checks": list(ready.runs),
                "facts_digest": memory.keep_facts(connection, judged.facts),
                "rules_digest": house.rules_digest,
                "author_id": judged.pull.author.id,
                "asked_by": entry.asked_by,
                "asked_login": entry.asked_login,
                "fence": lease.fence,
                "intended_at": house.now(),
                "deploy_branch": repo.deploy,
                "deploy_asked": judged.reading.config.promote == "at-once",
                "method": judged.reading.config.method,
                "tools_digest": house.toolset().digest,
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


def read_back(
    house: House, repo: Repo, row: lanes.LaneRow, entry: lanes.EntryRow, lease: Lease
) -> bool:
    """Read the branch back; when it holds the commit, write the receipt. False when it doesn't."""
    tip = house.tips(repo, [row.branch]).get(row.branch)
    if tip is None:
        return False
    house.mirror(repo).fetch(repo.clone_url, tip, "base")
    if tip != entry.commit and not _contains(house, repo, entry.commit, tip):
        return False
    now = house.now()
    with house.database.write() as connection:
        keep(house, connection, lanes_table, row.id, lease)
        landing = lanes.landing_of_entry(connection, entry.id)
        if landing is None or landing.commit != entry.commit:
            return False
        lanes.change_entry(connection, entry.id, state="landed")
        work.nudge(connection, pulls, entry.pull_id, now)
        by = repo.forge, landing.author_id, entry.pull_id
        # Who has landed something is known from then on, wherever else they have asked.
        known = memory.has_landed_before(connection, *by)
        others = [] if known else work.nudge_others_by(connection, *by, now)
        sealed = lanes.landed(connection, landing.id, now)
        if row.branch == landing.deploy_branch:
            sealed = lanes.deployed(connection, landing.id, now)
    log.info("landed", repo=repo.name, number=entry.number, commit=entry.commit, chain=str(sealed))
    crashpoint("merge.after_record")
    house.bell.ring([f"look:{pull_id}" for pull_id in (entry.pull_id, *others)])
    return True


def _contains(house: House, repo: Repo, commit: str, tip: str) -> bool:
    git = house.mirror(repo).git
    known = git.status("cat-file", "-e", f"{commit}^{{commit}}", ok=(0, 1, 128))[0] == 0
    return known and is_ancestor(git, commit, tip)
