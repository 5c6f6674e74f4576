"""`intakebot connect`: set a repository at Bitbucket Cloud up, so that only the bot can merge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from intakebot import wiring
from intakebot.cli.connect_shown import Ended, Outcome, conclude, show_checks, show_list, show_plan
from intakebot.cli.main import JSON, STATE, house_at
from intakebot.flow import connect as connecting
from intakebot.flow import follow
from intakebot.flow.connect import Plan, in_the_way
from intakebot.flow.connect_check import check_house
from intakebot.flow.connect_find import administrator
from intakebot.flow.connect_tokens import PURPOSES, look_at_tokens
from intakebot.flow.connect_words import FORGE, Desk, Tokens
from intakebot.forges.bitbucket_cloud.admin import Admin, Repository
from intakebot.model import OperatorError, TryLater
from intakebot.repo.git import GitFailed
from intakebot.store import schema
from intakebot.store.database import Database


@dataclass(frozen=True, slots=True)
class Asked:
    """`repository` "" is every one of the workspace, or of its `project`."""

    workspace: str
    repository: str
    project: str
    branches: tuple[str, str]
    yes: bool
    quiet: bool


@click.command(epilog="Example: intakebot connect bitbucket-cloud acme/site --yes")
@click.argument("forge", type=click.Choice([FORGE]))
@click.argument("place", metavar="WORKSPACE/REPO", default="")
@click.option("--all", "whole", is_flag=True, help="Every repository of WORKSPACE, new ones too.")
@click.option("--project", metavar="KEY", default="", help="Every one of this project, likewise.")
@click.option("--intake", metavar="BRANCH", default="", help="Takes changes; else the main branch.")
@click.option("--deploy", metavar="BRANCH", default="", help="Goes live; else 'deploy'.")
@click.option("--yes", is_flag=True, help="Do it; without this, it is only shown.")
@click.option("--list", "listing", is_flag=True, help="Show what is connected and followed.")
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
    listing: bool,
    as_json: bool,
    state: Path | None,
) -> None:
    """Let only the bot write to and merge into the protected branches of a repository.

    Shows what is there and what would be done; --yes does it. It is safe to repeat. With --all
    or --project give WORKSPACE alone: one repository that fails does not stop the others, and
    with --yes new ones are followed: the house connects them by itself, if it has the token, and
    else says which are not connected.

    It needs an administrator's token in BITBUCKET_ADMIN_TOKEN (or _FILE) and
    BITBUCKET_ADMIN_EMAIL, which this command keeps nowhere.

    Exit code 0: done, or could be; 1: something is in the way.
    """
    if listing:
        with desk_at(state) as desk:
            show_list(desk, as_json)
        return
    names = read_place(place, whole or bool(project))
    asked = Asked(*names, project, (intake, deploy), yes, quiet=as_json)
    with desk_at(state, make=True) as desk:
        outcome = _connect(desk, asked)
    conclude(outcome, as_json)
    ctx.exit(1 if outcome.stopped or outcome.failed else 0)


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


def _connect(desk: Desk, asked: Asked) -> Outcome:
    admin = administrator(desk)
    tokens = look_at_tokens(desk, PURPOSES)
    common = (*tokens.checks, *check_house(desk.public_url, desk.masters))
    outcome = Outcome(common, asked.yes, whole=not asked.repository, project=asked.project)
    if not asked.quiet:
        show_checks(common)
    if in_the_way(common):
        return outcome
    found = _chosen(admin, asked)
    if outcome.whole:
        outcome.workspace, found = asked.workspace, _followed(desk, asked, found, outcome)
    for repo in found:
        outcome.ended.append(_one(desk, admin, repo, tokens, asked))
    return outcome


def _chosen(admin: Admin, asked: Asked) -> Sequence[Repository]:
    if asked.repository:
        return [admin.repository(asked.workspace, asked.repository)]
    found = admin.repositories(asked.workspace, asked.project)
    if not found:
        place = asked.workspace
        where = f"project {asked.project} of {place}" if asked.project else place
        raise OperatorError(
            f"the admin token administers no repository in {where}; check the name, and whose "
            "token it is"
        )
    return found


def _followed(
    desk: Desk, asked: Asked, found: Sequence[Repository], outcome: Outcome
) -> list[Repository]:
    """Without those that were disconnected by their name. With --yes, new ones are followed."""
    workspace_id = found[0].workspace_id
    left: dict[str, str] = {}
    for one in follow.followed(desk, workspace_id):
        left |= one.left_out
    outcome.left_out = [repo.name for repo in found if repo.id in left]
    if asked.yes:
        follow.begin(desk, workspace_id, asked.workspace, asked.project, asked.branches)
    return [repo for repo in found if repo.id not in left]


def _one(desk: Desk, admin: Admin, repo: Repository, tokens: Tokens, asked: Asked) -> Ended:
    """One that fails is told in its `fault`; nothing is raised."""
    ended = Ended(repo.name)

    def show(wanted: Plan) -> None:
        ended.wanted = wanted
        ended.fault = in_the_way(wanted.checks)
        if not asked.quiet:
            show_plan(wanted, asked.yes)

    def say(line: str) -> None:
        if not asked.quiet:
            click.echo(f"  {line}")

    try:
        if asked.yes:
            done = connecting.bring(desk, admin, repo, tokens, asked.branches, show, say)
            ended.changed = not done.stopped and not done.is_done
        else:
            show(connecting.consider(desk, admin, repo, tokens, asked.branches))
    except (OperatorError, TryLater, GitFailed) as error:
        ended.fault = str(error)
        say(f"FAIL  {repo.name}: {error}")
    return ended
