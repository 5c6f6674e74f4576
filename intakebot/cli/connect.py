"""`intakebot connect`: set a repository at Bitbucket Cloud up, so that only the bot can merge."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import click

from intakebot import wiring
from intakebot.cli.main import JSON, STATE, house_at
from intakebot.flow import connect as connecting
from intakebot.flow.connect import Plan
from intakebot.flow.connect_check import check_house
from intakebot.flow.connect_find import administrator
from intakebot.flow.connect_plan import in_words
from intakebot.flow.connect_tokens import look_at_tokens
from intakebot.flow.connect_words import FORGE, Check, Desk, Tokens
from intakebot.forges.bitbucket_cloud.admin import Admin, Repository
from intakebot.model import OperatorError, TryLater
from intakebot.repo.git import GitFailed
from intakebot.store import schema
from intakebot.store.database import Database

SIGNS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


@dataclass
class Ended:
    """How one repository came out. `fault` is "" when nothing went wrong."""

    name: str
    wanted: Plan | None = None
    changed: bool = False
    fault: str = ""
    said: list[str] = field(default_factory=list)


@click.command(epilog="Example: intakebot connect bitbucket-cloud acme/site --yes")
@click.argument("forge", type=click.Choice([FORGE]))
@click.argument("place", metavar="WORKSPACE/REPO")
@click.option("--all", "whole", is_flag=True, help="Every repository of WORKSPACE.")
@click.option("--project", metavar="KEY", default="", help="Every one of this project.")
@click.option("--intake", metavar="BRANCH", default="", help="Takes changes; else the main branch.")
@click.option("--deploy", metavar="BRANCH", default="", help="Goes live; else 'deploy'.")
@click.option("--yes", is_flag=True, help="Do it; without this, it is only shown.")
@JSON
@STATE
@click.pass_context
def connect(
    ctx: click.Context,
    forge: str,
    place: str,
    whole: bool,
    project: str,
    intake: str,
    deploy: str,
    yes: bool,
    as_json: bool,
    state: Path | None,
) -> None:
    """Let only the bot write to and merge into the protected branches of a repository.

    Shows what is there and what would be done; --yes does it. With --all or --project give
    WORKSPACE alone; one repository that fails does not stop the others. It is safe to repeat:
    what is connected stays as it is, so that running it each night takes new repositories in.
    It needs an administrator's token in BITBUCKET_ADMIN_TOKEN (or _FILE) and
    BITBUCKET_ADMIN_EMAIL, which is used now and kept nowhere.

    Exit code 0: done, or could be; 1: something is in the way.
    """
    whole = whole or bool(project)
    names = read_place(place, whole)
    with desk_at(state, make=True) as desk:
        admin = administrator(desk)
        tokens = look_at_tokens(desk, ("read", "land", "admin"))
        common = (*tokens.checks, *check_house(desk.public_url, desk.masters))
        stopped = any(check.state == "fail" for check in common)
        if not as_json:
            show_checks(common)
        ended: list[Ended] = []
        if not stopped:
            for repo in _chosen(admin, names, project):
                one = _one(desk, admin, repo, tokens, (intake, deploy), yes, quiet=as_json)
                ended.append(one)
    _conclude(common, ended, yes, whole, as_json)
    ctx.exit(1 if stopped or any(one.fault for one in ended) else 0)


def read_place(place: str, whole: bool) -> tuple[str, str]:
    """Workspace and repository, "" for all."""
    workspace, slash, repository = place.strip("/").partition("/")
    if not workspace or "/" in repository or bool(slash) != (not whole):
        shape = "WORKSPACE, without a repository" if whole else "WORKSPACE/REPO"
        hint = "" if whole else "; or WORKSPACE with --all or --project KEY"
        raise click.UsageError(f"'{place}' should be {shape}{hint}")
    return workspace, repository


@contextmanager
def desk_at(state: Path | None, *, make: bool = False) -> Iterator[Desk]:
    """For a house whose database is there and of this version."""
    settings = house_at(state, make=make)
    database = Database(settings.database_url)
    try:
        schema.upgrade(database, now=wiring.now())
        desk = wiring.bitbucket_desk(settings, database)
        try:
            yield desk
        finally:
            desk.calls.save()
    finally:
        database.close()


def _chosen(admin: Admin, names: tuple[str, str], project: str) -> Sequence[Repository]:
    workspace, repository = names
    if repository:
        return [admin.repository(workspace, repository)]
    found = admin.repositories(workspace, project)
    if not found:
        where = f"project {project} of {workspace}" if project else workspace
        raise OperatorError(
            f"the admin token administers no repository in {where}; check the name, and whose "
            "token it is"
        )
    return found


def _one(
    desk: Desk,
    admin: Admin,
    repo: Repository,
    tokens: Tokens,
    branches: tuple[str, str],
    yes: bool,
    *,
    quiet: bool,
) -> Ended:
    """One that fails is told in its `fault`; nothing is raised."""
    ended = Ended(repo.name)

    def say(line: str) -> None:
        ended.said.append(line)
        if not quiet:
            click.echo(f"  {line}")

    try:
        ended.wanted = wanted = connecting.consider(desk, admin, repo, tokens, *branches)
        if not quiet:
            _show(wanted, yes)
        if wanted.stopped:
            fails = [check.what for check in wanted.checks if check.state == "fail"]
            ended.fault = "; ".join(fails)
        elif yes and not wanted.is_done and tokens.bot:
            connecting.connect(desk, admin, wanted, tokens.bot, say)
            ended.changed = True
    except (OperatorError, TryLater, GitFailed) as error:
        ended.fault = str(error)
        if not quiet:
            click.echo(f"  FAIL  {error}")
    return ended


# --- what is printed ------------------------------------------------------------------


def show_checks(checks: Sequence[Check]) -> None:
    for check in checks:
        click.echo(f"  {SIGNS[check.state]}  {check.about}: {check.what}")
        if check.cure and check.state != "ok":
            click.echo(f"        {check.cure}")


def _show(wanted: Plan, yes: bool) -> None:
    click.echo(f"\n{wanted.repo.name}: {wanted.wish.intake} takes changes, ", nl=False)
    click.echo(f"{wanted.wish.deploy} is deployed")
    show_checks(wanted.checks)
    if wanted.stopped:
        return
    if wanted.is_done:
        click.echo("  It is connected already, and nothing is to be changed.")
    elif yes:
        click.echo("  Now:")
    else:
        click.echo("  It would:")
        for said in [in_words(step) for step in wanted.steps] or ["note how it is now"]:
            click.echo(f"  - {said}")


def _conclude(
    common: Sequence[Check], ended: Sequence[Ended], yes: bool, whole: bool, as_json: bool
) -> None:
    if as_json:
        click.echo(json.dumps(_as_data(common, ended, yes), indent=2))
        return
    failed = [one for one in ended if one.fault]
    changed = [one for one in ended if one.changed and not one.fault]
    click.echo()
    for one in changed:
        click.echo(f"{one.name} is connected.")
    if failed and whole:
        click.echo(f"{len(failed)} of {len(ended)} could not be connected:")
        for one in failed:
            click.echo(f"  {one.name}: {one.fault}")
    if not yes:
        waiting = any(one.wanted and not one.wanted.is_done and not one.fault for one in ended)
        click.echo(f"Nothing was changed{'; add --yes to do it' if waiting else ''}.")
    elif not changed:
        click.echo("Nothing was changed." if not failed else "See above for what is in the way.")


def _as_data(common: Sequence[Check], ended: Sequence[Ended], yes: bool) -> dict[str, object]:
    return {
        "checks": [asdict(check) for check in common],
        "yes": yes,
        "repositories": [
            {
                "name": one.name,
                "id": one.wanted.repo.id if one.wanted else "",
                "intake": one.wanted.wish.intake if one.wanted else "",
                "deploy": one.wanted.wish.deploy if one.wanted else "",
                "checks": [asdict(check) for check in one.wanted.checks] if one.wanted else [],
                "steps": [in_words(step) for step in one.wanted.steps] if one.wanted else [],
                "changed": one.changed,
                "fault": one.fault,
            }
            for one in ended
        ],
    }
