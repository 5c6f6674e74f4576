"""Disconnect a repository at Bitbucket Cloud: what `connect` set up is taken back and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intakebot.flow import follow
from intakebot.flow.connect_alone import alone
from intakebot.flow.connect_do import Say, undo_all
from intakebot.flow.connect_journal import Journal
from intakebot.flow.connect_undo import Undo, undoing
from intakebot.flow.connect_words import Desk
from intakebot.forges.bitbucket_cloud.admin import Admin, Repository
from intakebot.forges.bitbucket_cloud.http import Api
from intakebot.forges.bitbucket_cloud.unfinished import Unfinished, stop, unfinished
from intakebot.model import OperatorError, TryLater
from intakebot.store import connections
from intakebot.store.connections import ConnectionRow


@dataclass(frozen=True, slots=True)
class Undoing:
    """What `disconnect` would do: `undone` newest change first, then statuses to be stopped."""

    undone: tuple[Undo, ...]
    statuses: tuple[Unfinished, ...]

    @property
    def says(self) -> list[tuple[str, str]]:
        """What is done to a thing, and the sentence about it."""
        found: list[tuple[str, str]] = [(one.do, one.says) for one in self.undone if one.says]
        if count := len(self.statuses):
            some = "a build status" if count == 1 else f"{count} build statuses"
            found.append(("stop", f"mark {some} as stopped, which would be in progress for ever"))
        return found


def considered_undoing(desk: Desk, admin: Admin, repo: Repository, row: ConnectionRow) -> Undoing:
    """Changes nothing."""
    hooks, rules = admin.hooks(repo), admin.restrictions(repo)
    undone = [undoing(change, hooks, rules) for change in reversed(row.changes)]
    return Undoing(tuple(undone), tuple(unfinished(_bots_api(desk, admin), repo.path)))


def disconnect(
    desk: Desk, admin: Admin, repo: Repository, row: ConnectionRow, say: Say
) -> Sequence[str]:
    """Undo, then forget the connection; it is kept when something could not be undone. Whoever
    follows its workspace leaves it out from now on.

    Returns what went wrong.
    """
    with alone(desk, repo):
        follow.leave_out(desk, repo.workspace_id, {repo.id: repo.name})
        faults = undo_all(admin, repo, Journal(desk.database, row), say)
        faults += _stop_statuses(_bots_api(desk, admin), repo)
        if not faults:
            forget(desk, row)
    return faults


def _bots_api(desk: Desk, admin: Admin) -> Api:
    """The statuses are the bot's; an administrator may change them where it has no token here."""
    return desk.apis.get("read", admin.api)


def _stop_statuses(api: Api, repo: Repository) -> list[str]:
    """Those of now: the bot may have looked at something meanwhile."""
    faults = []
    try:
        for one in unfinished(api, repo.path):
            try:
                stop(api, one)
            except OperatorError as error:
                faults.append(f"could not stop the status of pull request {one.number}: {error}")
    except (OperatorError, TryLater) as error:
        faults.append(f"could not stop all build statuses: {error}")
    return faults


def forget(desk: Desk, row: ConnectionRow) -> None:
    """Here alone; what is at the forge stays."""
    with desk.database.write() as connection:
        connections.forget(connection, row)
