"""Which workspaces and projects are followed, and which of their repositories are left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from intakebot.flow.connect_words import FORGE, Desk
from intakebot.model import Account
from intakebot.store import follows, incidents
from intakebot.store.follows import Follow

HOUSE = Account("", "intakebot")  # raises alarms, and acknowledges them when they are over


def begin(
    desk: Desk, workspace_id: str, workspace: str, project: str, branches: tuple[str, str]
) -> None:
    with desk.database.write() as connection:
        follows.keep(
            connection,
            {
                "forge": FORGE,
                "workspace_id": workspace_id,
                "workspace": workspace,
                "project": project,
                "intake": branches[0],
                "deploy": branches[1],
                "followed_at": desk.now(),
            },
        )


def followed(desk: Desk, workspace_id: str = "") -> list[Follow]:
    """Those of one workspace, or all."""
    with desk.database.read() as connection:
        found = follows.all_of(connection, FORGE)
    return [one for one in found if workspace_id in ("", one.workspace_id)]


def ending(desk: Desk, workspace_id: str, project: str) -> list[Follow]:
    """What `end` would end: the whole workspace with all its projects, or one project."""
    return [one for one in followed(desk, workspace_id) if project in ("", one.project)]


def end(desk: Desk, workspace_id: str, project: str) -> list[Follow]:
    ended = ending(desk, workspace_id, project)
    with desk.database.write() as connection:
        for one in ended:
            follows.forget(connection, one.id)
    return ended


def leave_out(desk: Desk, workspace_id: str, found: Mapping[str, str]) -> list[Follow]:
    """Repositories (id -> name) that whoever follows the workspace must not take in by itself.

    Returns who follows it.
    """
    following = followed(desk, workspace_id)
    with desk.database.write() as connection:
        for one in following:
            follows.change(connection, one.id, left_out={**one.left_out, **found})
    _no_longer_outside(desk, found)
    return following


def take_in(desk: Desk, workspace_id: str, repo_id: str) -> None:
    """A repository that was connected by its name: no longer left out, and no longer outside."""
    following = followed(desk, workspace_id)
    with desk.database.write() as connection:
        for one in following:
            left = {id: name for id, name in one.left_out.items() if id != repo_id}
            follows.change(connection, one.id, left_out=left)
    _no_longer_outside(desk, [repo_id])


def _no_longer_outside(desk: Desk, ids: Collection[str]) -> None:
    with desk.database.read() as connection:
        outside = {row.forge_id for row in incidents.outside(connection, FORGE)}
    over(desk, outside - set(ids))


def over(desk: Desk, still: Collection[str]) -> None:
    """Acknowledge the alarms about all repositories but these."""
    with desk.database.write() as connection:
        for row in incidents.outside(connection, FORGE):
            if row.forge_id not in still:
                incidents.acknowledge(connection, row.id, HOUSE.login, desk.now())
