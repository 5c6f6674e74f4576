"""`intakebot disconnect`: take back what `connect` set up, and leave what others changed since."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from intakebot.cli.connect import desk_at, read_place
from intakebot.cli.main import JSON, STATE
from intakebot.core.escape import visible
from intakebot.flow import disconnect as disconnecting
from intakebot.flow import follow
from intakebot.flow.connect_find import administrator
from intakebot.flow.connect_journal import known
from intakebot.flow.connect_words import FORGE, Desk
from intakebot.forges.bitbucket_cloud.admin import Admin
from intakebot.model import OperatorError, TryLater
from intakebot.store.connections import ConnectionRow
from intakebot.store.follows import Follow

STAY = (
    "The bot's comments and approvals stay, as part of the pull requests' story, and so do its "
    "build statuses, which Bitbucket Cloud has no way to delete."
)


@dataclass
class Undone:
    """How one repository came out. `row` is None for one that was never connected, and is only
    left out by those who follow its workspace; `steps` are words and sentences."""

    name: str
    id: str
    row: ConnectionRow | None
    steps: Sequence[tuple[str, str]] = ()
    faults: Sequence[str] = ()
    left_out_by: Sequence[Follow] = ()


@dataclass
class Outcome:
    yes: bool
    whole: bool
    ended: list[Undone] = field(default_factory=list)
    unfollowed: Sequence[Follow] = ()

    @property
    def failed(self) -> bool:
        return any(one.faults for one in self.ended)


@click.command(epilog="Example: intakebot disconnect bitbucket-cloud acme/site --yes")
@click.argument("forge", type=click.Choice([FORGE]))
@click.argument("place", metavar="WORKSPACE/REPO")
@click.option("--all", "whole", is_flag=True, help="Every one of WORKSPACE; it ends following.")
@click.option("--project", metavar="KEY", default="", help="Every one of this project, likewise.")
@click.option("--yes", is_flag=True, help="Do it; without this, it is only shown.")
@click.option("--forget", is_flag=True, help="Ask Bitbucket nothing: the repository is gone.")
@JSON
@STATE
@click.pass_context
def disconnect(
    ctx: click.Context,
    forge: str,
    place: str,
    whole: bool,
    project: str,
    yes: bool,
    forget: bool,
    as_json: bool,
    state: Path | None,
) -> None:
    """Remove the webhook and the branch restrictions that `connect` made, and forget it.

    Shows the difference between what was set and what is there; --yes does it. A restriction
    that somebody has changed since is left as it is. A repository of a followed workspace is not
    connected again by itself. Exit code 1: not everything could be undone.
    """
    whole = whole or bool(project)
    workspace, repository = read_place(place, whole)
    if forget and whole:
        raise click.UsageError("--forget takes one repository, by its name")
    with desk_at(state) as desk:
        if forget:
            outcome = _forgotten(desk, f"{workspace}/{repository}", yes)
        elif whole:
            outcome = _many(desk, workspace, project, yes)
        else:
            outcome = Outcome(yes, whole=False)
            outcome.ended.append(_named(desk, administrator(desk), (workspace, repository), yes))
    click.echo(_as_data(outcome) if as_json else _as_text(outcome, forget))
    ctx.exit(1 if outcome.failed else 0)


def _named(desk: Desk, admin: Admin, names: tuple[str, str], yes: bool) -> Undone:
    """By the name that it had when it was connected, or by the one that it has now."""
    rows = known(desk.database)
    row = next((one for one in rows if one.name == "/".join(names)), None)
    if row is not None:
        return _one(desk, admin, row, yes)
    repo = admin.repository(*names)
    row = next((one for one in rows if one.forge_id == repo.id), None)
    if row is not None:
        return _one(desk, admin, row, yes)
    following = follow.followed(desk, repo.workspace_id)
    if not following:
        there = ", ".join(one.name for one in rows) or "none"
        raise OperatorError(f"{repo.name} is not connected; connected are: {there}")
    if yes:
        follow.leave_out(desk, repo.workspace_id, {repo.id: repo.name})
    return Undone(repo.name, repo.id, None, left_out_by=following)


def _one(desk: Desk, admin: Admin, row: ConnectionRow, yes: bool) -> Undone:
    repo = admin.repository(row.workspace_id, row.forge_id)
    wanted = disconnecting.considered_undoing(desk, admin, repo, row)
    undone = Undone(repo.name, repo.id, row, wanted.says)
    undone.left_out_by = follow.followed(desk, row.workspace_id)
    if yes:
        undone.faults = disconnecting.disconnect(desk, admin, repo, row, _say_nothing)
    return undone


def _say_nothing(_: str) -> None:
    return None


def _many(desk: Desk, workspace: str, project: str, yes: bool) -> Outcome:
    """One that fails does not stop the others. Following ends first: nothing is to come back."""
    admin = administrator(desk)
    workspace_id = admin.workspace_id(workspace)
    rows = [row for row in known(desk.database) if row.workspace_id == workspace_id]
    if project:
        ids = {repo.id for repo in admin.repositories(workspace_id, project)}
        rows = [row for row in rows if row.forge_id in ids]
    ends: Callable[..., Sequence[Follow]] = follow.end if yes else follow.ending
    outcome = Outcome(yes, whole=True, unfollowed=ends(desk, workspace_id, project))
    if not rows and not outcome.unfollowed:
        raise OperatorError(f"nothing of {workspace} is connected or followed")
    for row in rows:
        try:
            outcome.ended.append(_one(desk, admin, row, yes))
        except (OperatorError, TryLater) as error:
            outcome.ended.append(Undone(row.name, row.forge_id, row, faults=[str(error)]))
    return outcome


def _forgotten(desk: Desk, name: str, yes: bool) -> Outcome:
    row = next((one for one in known(desk.database) if one.name == name), None)
    if row is None:
        raise OperatorError(f"{name} is not connected under this name")
    if yes:
        follow.leave_out(desk, row.workspace_id, {row.forge_id: row.name})
        disconnecting.forget(desk, row)
    return Outcome(yes, whole=False, ended=[Undone(row.name, row.forge_id, row)])


# --- what is printed ------------------------------------------------------------------


def _as_text(outcome: Outcome, forget: bool) -> str:
    if forget:
        changed = "is forgotten" if outcome.yes else "would be forgotten; add --yes to do it"
        stays = "What was set up at Bitbucket Cloud, if it is there, stays."
        return f"{outcome.ended[0].name} {changed}. {stays}"
    lines = [_ends(one, outcome.yes) for one in outcome.unfollowed]
    for one in outcome.ended:
        lines += _lines(one, outcome.yes)
    lines.append(STAY)
    if not outcome.yes:
        lines.append("Nothing was changed; add --yes to do it.")
    return "\n".join(lines)


def _ends(one: Follow, yes: bool) -> str:
    no_longer = "are no longer followed" if yes else "would no longer be followed"
    return f"New repositories of {visible(one.place, 120)} {no_longer}."


def _lines(one: Undone, yes: bool) -> list[str]:
    lines = [f"{one.name}: {'done' if yes and not one.faults else 'it would'}:"]
    lines += [f"- {says}" for _, says in one.steps]
    lines += [f"- leave it out of {visible(by.place, 120)}" for by in one.left_out_by]
    if one.row is not None:
        lines.append("- forget the connection")
    lines += [f"FAIL  {fault}" for fault in one.faults]
    if yes and one.faults:
        lines.append("The connection is kept for what is left; run this once more.")
    elif yes:
        lines.append(f"{one.name} is {'disconnected' if one.row else 'left out'}.")
    return lines


def _as_data(outcome: Outcome) -> str:
    ended = [_undone_data(one, outcome.yes) for one in outcome.ended]
    whole = {
        "repositories": ended,
        "unfollowed": [
            {"workspace": one.workspace, "project": one.project} for one in outcome.unfollowed
        ],
        "changed": outcome.yes,
    }
    return json.dumps(whole if outcome.whole else ended[0], indent=2)


def _undone_data(one: Undone, yes: bool) -> dict[str, object]:
    return {
        "name": one.name,
        "id": one.id,
        "steps": [{"do": do, "says": says} for do, says in one.steps],
        "changed": yes,
        "faults": list(one.faults),
        "stays": STAY,
    }
