"""Checks that another machine runs: Pipelines, Jenkins, Bamboo, or a QA deployment.

What the change gives is pushed to `intake/try/<number>`, a branch that the bot alone may write.
Then a build status of the given name is waited for beside that commit, or a QA hook is called and
its answer waited for. No worker waits: it looks, and the sweep has it look again. The branch is
deleted once nobody needs it, whatever came of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from intakebot import log
from intakebot.core.escape import visible
from intakebot.core.tried import BRANCHES
from intakebot.crash import crashpoint
from intakebot.flow import qa
from intakebot.flow.house import LEASE, PATIENCE, House, Lease, renewed
from intakebot.flow.qa import NotStarted
from intakebot.model import Build, CheckResult, OperatorError, Outcome, Repo, TryLater
from intakebot.repo import combine, land
from intakebot.repo.git import Git
from intakebot.store import runs, tried, work
from intakebot.store.runs import RunRow, Tried
from intakebot.store.tables import runs as runs_table
from intakebot.store.tried import Wanting

LOOK_EVERY = timedelta(seconds=20)


def tend(house: House, row: RunRow, fence: int) -> CheckResult | None:
    """The result, or None while it is waited for: then the lease has been given back."""
    with house.database.read() as connection:
        repo = work.known_repo(connection, row.repo_id).repo
        wanting = tried.wanting(connection, row.id)
    if wanting is None:
        with house.database.write() as connection:
            runs.give_up(connection, row.id, fence)
        return None
    with renewed(house, runs_table, row.id, Lease(fence)):  # a push may take long
        result = _looked(house, row, fence, repo, wanting)
    if result is None:
        with house.database.write() as connection:
            tried.wait(connection, row.id, fence, house.now() + LOOK_EVERY, PATIENCE)
    return result


def _looked(
    house: House, row: RunRow, fence: int, repo: Repo, wanting: Wanting
) -> CheckResult | None:
    at = row.tried
    if at is None or at.since is None:  # or nobody knows whether it was pushed: then once more
        at = _prepared(house, row, fence, repo, wanting)
        try:
            at = _started(house, row, fence, repo, wanting, at)
        except NotStarted as error:
            return CheckResult(Outcome.BROKEN, str(error))
    return _result(house, row, repo, at.commit, at.since or house.now())


def _prepared(house: House, row: RunRow, fence: int, repo: Repo, wanting: Wanting) -> Tried:
    """What is to be pushed, written down first: then it is cleared away whatever happens."""
    branch = f"{BRANCHES}{wanting.number}"
    own = Tried(_commit(house, house.mirror(repo).git, row, wanting), branch, None)
    with house.database.write() as connection:  # in turn, so that two at once share a commit
        at = tried.beside(connection, row.id, branch) or own
        _keep(connection, row, fence, at)
    return at


def _started(
    house: House, row: RunRow, fence: int, repo: Repo, wanting: Wanting, at: Tried
) -> Tried:
    """Pushed, and the hook called. Raises NotStarted where the other side will have none of it."""
    if at.since is None:
        crashpoint("elsewhere.before_push")
        if land.put(house.landing(repo).git, repo.clone_url, at.commit, at.branch) == "refused":
            raise NotStarted(f"the forge does not let us push to {at.branch}")
        crashpoint("elsewhere.after_push")
    if row.definition.http:
        qa.call(house, row, repo, wanting, at)
    at = replace(at, since=house.now())
    with house.database.write() as connection:
        _keep(connection, row, fence, at)
    return at


def _keep(connection: sa.Connection, row: RunRow, fence: int, at: Tried) -> None:
    if not tried.keep(connection, row.id, fence, at):
        raise TryLater("somebody else has taken this run up")


def _commit(house: House, git: Git, row: RunRow, wanting: Wanting) -> str:
    """A commit of its own each time: what is said beside an older one is no answer to this."""
    message = f"Try pull request #{wanting.number}\n\n{row.definition.name}, run {row.id}\n"
    return combine.single(git, row.tree, wanting.head, message, house.now())


def _result(
    house: House, row: RunRow, repo: Repo, commit: str, since: datetime
) -> CheckResult | None:
    """None while there is time left and no word yet."""
    check, seconds = row.definition, (house.now() - since).total_seconds()
    try:
        build = _build(house, row, repo, commit)
    except (TryLater, OperatorError) as error:
        if seconds < check.timeout:
            raise
        return CheckResult(Outcome.BROKEN, f"the forge does not tell of builds: {error}")
    if build is None or build.state == "pending":
        if seconds < check.timeout:
            return None
        said = "has not ended" if build else "has said nothing"
        why = f"{visible(check.external or check.http, 60)} {said} within {check.timeout} s"
        return CheckResult(Outcome.BROKEN, why, log=_log(build), seconds=seconds)
    outcome = Outcome.PASSED if build.state == "success" else Outcome.FAILED
    said = visible(build.text, 200) or ("succeeded" if build.state == "success" else "failed")
    return CheckResult(outcome, said, log=_log(build), seconds=seconds)


def _build(house: House, row: RunRow, repo: Repo, commit: str) -> Build | None:
    if row.definition.http:
        return qa.answer(house, row)
    return _named(house.forges[repo.forge].builds(repo.id, commit), row.definition.external)


def _named(builds: Sequence[Build], name: str) -> Build | None:
    """By its key or by its name. Where several have it, one that failed decides, then one that has
    not ended."""
    order = ("failure", "pending", "success")
    found = [build for build in builds if name in (build.key, build.name)]
    return min(found, key=lambda build: order.index(build.state), default=None)


def _log(build: Build | None) -> str:
    return visible(build.url, 500) if build else ""


def clear_away(house: House, run_id: int) -> None:
    """Delete the branch of a run that is over, unless another one needs it."""
    now = house.now()
    with house.database.write() as connection:
        left = tried.left_behind(connection, run_id, house.owner, now, LEASE)
        if left is None:
            return
        repo = work.known_repo(connection, left.repo_id).repo
        used = tried.is_used(connection, left.repo_id, left.branch)
    if not used:
        git = house.landing(repo).git
        if land.put(git, repo.clone_url, None, left.branch) == "refused":
            log.warning("branch not deleted", branch=left.branch)  # asking for ever changes nothing
    crashpoint("elsewhere.after_delete")
    with house.database.write() as connection:
        tried.forget(connection, run_id, left.fence)
