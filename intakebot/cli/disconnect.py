"""`intakebot disconnect`: take back what `connect` set up, and leave what others changed since."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from intakebot.cli.connect import desk_at, read_place
from intakebot.cli.main import JSON, STATE
from intakebot.flow import connect as connecting
from intakebot.flow.connect_find import administrator
from intakebot.flow.connect_journal import known
from intakebot.flow.connect_undo import Undo
from intakebot.flow.connect_words import FORGE, Desk
from intakebot.forges.bitbucket_cloud.admin import Admin, Repository
from intakebot.model import OperatorError
from intakebot.store.connections import ConnectionRow

STAY = (
    "The bot's comments, approvals and build statuses stay: Bitbucket Cloud has no way to delete "
    "a build status, and the comments are part of the pull requests' story."
)


@click.command(epilog="Example: intakebot disconnect bitbucket-cloud acme/site --yes")
@click.argument("forge", type=click.Choice([FORGE]))
@click.argument("place", metavar="WORKSPACE/REPO")
@click.option("--yes", is_flag=True, help="Do it; without this, it is only shown.")
@click.option("--forget", is_flag=True, help="Ask Bitbucket nothing: the repository is gone.")
@JSON
@STATE
@click.pass_context
def disconnect(
    ctx: click.Context,
    forge: str,
    place: str,
    yes: bool,
    forget: bool,
    as_json: bool,
    state: Path | None,
) -> None:
    """Remove the webhook and the branch restrictions that `connect` made, and forget it.

    Shows the difference between what was set and what is there; --yes does it. A restriction
    that somebody has changed since is left as it is. Exit code 1: not everything could be undone.
    """
    names = read_place(place, whole=False)
    said: list[str] = []
    with desk_at(state) as desk:
        if forget:
            _forget(desk, "/".join(names), yes)
            return
        admin = administrator(desk)
        repo, row = _connected(desk, admin, names)
        undone = connecting.considered_undoing(admin, repo, row)
        faults: Sequence[str] = []
        if yes:
            faults = connecting.disconnect(desk, admin, repo, row, said.append)
    if as_json:
        click.echo(json.dumps(_as_data(repo, undone, faults, yes), indent=2))
    else:
        _show(repo, undone, faults, yes)
    ctx.exit(1 if faults else 0)


def _connected(
    desk: Desk, admin: Admin, names: tuple[str, str]
) -> tuple[Repository, ConnectionRow]:
    """By the name that it had when it was connected, or by the one that it has now."""
    rows = known(desk.database)
    row = next((one for one in rows if one.name == "/".join(names)), None)
    if row is not None:
        return admin.repository(row.workspace_id, row.forge_id), row
    repo = admin.repository(*names)
    row = next((one for one in rows if one.forge_id == repo.id), None)
    if row is None:
        there = ", ".join(one.name for one in rows) or "none"
        raise OperatorError(f"{repo.name} is not connected; connected are: {there}")
    return repo, row


def _forget(desk: Desk, name: str, yes: bool) -> None:
    row = next((one for one in known(desk.database) if one.name == name), None)
    if row is None:
        raise OperatorError(f"{name} is not connected under this name")
    if yes:
        connecting.forget(desk, row)
    changed = "is forgotten" if yes else "would be forgotten; add --yes to do it"
    click.echo(f"{name} {changed}. What was set up at Bitbucket Cloud, if it is there, stays.")


def _show(repo: Repository, undone: Sequence[Undo], faults: Sequence[str], yes: bool) -> None:
    click.echo(f"{repo.name}: {'done' if yes and not faults else 'it would'}:")
    for one in undone:
        if one.says:
            click.echo(f"- {one.says}")
    click.echo("- forget the connection")
    for fault in faults:
        click.echo(f"FAIL  {fault}")
    click.echo(STAY)
    if not yes:
        click.echo("Nothing was changed; add --yes to do it.")
    elif faults:
        click.echo("The connection is kept for what is left; run this once more.")
    else:
        click.echo(f"{repo.name} is disconnected.")


def _as_data(
    repo: Repository, undone: Sequence[Undo], faults: Sequence[str], yes: bool
) -> dict[str, object]:
    steps = [{"do": one.do, "says": one.says} for one in undone if one.says]
    return {
        "name": repo.name,
        "id": repo.id,
        "steps": steps,
        "changed": yes,
        "faults": list(faults),
        "stays": STAY,
    }
