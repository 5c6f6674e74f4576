"""Bring the deploy branch to what has landed: a fast-forward to that very commit, read back."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from intakebot.crash import crashpoint
from intakebot.flow.house import House, Lease, keep
from intakebot.model import OperatorError, Repo, TryLater
from intakebot.repo import land
from intakebot.repo.change import is_ancestor
from intakebot.repo.git import GitFailed
from intakebot.store import lanes, work
from intakebot.store.tables import lanes as lanes_table
from intakebot.store.tables import pulls


def promote(
    house: House, repo: Repo, row: lanes.LaneRow, lease: Lease
) -> TryLater | OperatorError | GitFailed | None:
    """Deploy every landing that was asked to be; or why one stays behind.

    The newest first: it holds the older ones, and it may hold what their way was barred by.
    """
    with house.database.read() as connection:
        due = lanes.undeployed(connection, row.repo_id, row.branch)
    behind: TryLater | OperatorError | GitFailed | None = None
    for landing in due:
        try:
            _deploy(house, repo, row, landing, lease)
        except (TryLater, OperatorError, GitFailed) as error:
            if lease.lost:
                raise
            behind = behind or error
    return behind


def _deploy(
    house: House, repo: Repo, row: lanes.LaneRow, landing: sa.Row[Any], lease: Lease
) -> None:
    branch = landing.deploy_branch
    if not _there(house, repo, branch, landing.commit):
        with house.database.write() as connection:
            keep(house, connection, lanes_table, row.id, lease)
        crashpoint("deploy.before_push")
        ended = land.push(house.landing(repo).git, repo.clone_url, landing.commit, branch)
        crashpoint("deploy.after_push_before_record")
        if ended == "refused":
            raise OperatorError(
                f"the forge refuses the bot's push to {branch}; "
                "let the landing credential write to it"
            )
        if ended != "done":
            raise OperatorError(
                f"{branch} can't be fast-forwarded to {landing.commit[:12]}, because it holds "
                f"commits that {row.branch} has not. Bring it back to a commit of {row.branch}, "
                f"or merge it into {row.branch}; I never force."
            )
        if not _there(house, repo, branch, landing.commit):
            raise TryLater(f"{branch} was pushed, but reads back as something else")
    now = house.now()
    with house.database.write() as connection:
        keep(house, connection, lanes_table, row.id, lease)
        work.nudge(connection, pulls, landing.pull_id, now)
        lanes.deployed(connection, landing.id, now)
    house.bell.ring([f"look:{landing.pull_id}"])


def _there(house: House, repo: Repo, branch: str, commit: str) -> bool:
    """Whether the served branch holds this commit already."""
    mirror = house.mirror(repo)
    tip = house.tips(repo, [branch]).get(branch)
    if tip is None or tip == commit:
        return tip is not None
    mirror.fetch(repo.clone_url, tip, "base")
    return is_ancestor(mirror.git, commit, tip)
