"""`intakebot invite`: the page that an agency begins with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import sqlalchemy as sa

from intakebot.cli.main import STATE, house_at
from intakebot.cli.opened import open_house
from intakebot.cli.written import write_whole
from intakebot.core.escape import visible
from intakebot.core.invite import Repository, starter_page
from intakebot.flow.house import House
from intakebot.model import OperatorError, Repo, Role
from intakebot.settings import Settings
from intakebot.store import people, work
from intakebot.wiring import NoBell

ANYBODY = "LOGIN"
HELPERS = frozenset({Role.OWNER, Role.MAINTAINER})


@click.command(epilog="Example: intakebot invite --agency Birch --repo site --out birch.md")
@click.option("--agency", required=True, metavar="NAME", help="Whom the page is for.")
@click.option("--repo", "names", multiple=True, metavar="NAME", help="May be repeated; else all.")
@click.option("--login", default=ANYBODY, help="Of one person, whose fork the commands name.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Else printed.")
@STATE
def invite(
    agency: str, names: Sequence[str], login: str, out: Path | None, state: Path | None
) -> None:
    """Write an agency's starter page: how to fork, what counts, a hook, and whom to ask.

    Markdown, to mail or to put where they read. Where several people read it, LOGIN stands for
    each one's own.
    """
    house = open_house(state, NoBell())
    settings = house_at(state)
    try:
        with house.database.read() as connection:
            rows = _repositories(connection, house, names)
            text = starter_page(
                agency,
                settings.public_url,
                [_as_written(settings, row, login) for row in rows],
                house.rules,
                _helpers(connection, house),
            )
    finally:
        house.database.close()
    if out is None:
        click.echo(text, nl=False)
        return
    write_whole(out, text)
    click.echo(f"Wrote {out}", err=True)


def _repositories(connection: sa.Connection, house: House, names: Sequence[str]) -> list[Repo]:
    known = [one.repo for forge in house.forges for one in work.known_repos(connection, forge)]
    there = {repo.name for repo in known}
    missing = [name for name in names if name not in there]
    if missing:
        raise OperatorError(
            f"--repo {visible(missing[0], 80)}: there is no such repository here; there are "
            f"{', '.join(sorted(there)) or 'none yet'}"
        )
    if not known:
        raise OperatorError("there is no repository yet; intakebot repo add, or connect, adds one")
    return [repo for repo in known if not names or repo.name in names]


def _as_written(settings: Settings, repo: Repo, login: str) -> Repository:
    if repo.forge == "git":
        base = f"{settings.git_url}/git"
        main, fork, page = f"{base}/main/{repo.name}.git", f"{base}/{login}/{repo.name}.git", ""
    else:
        site = settings.bitbucket_git_url
        main = f"{site}/{repo.name}.git"
        fork = f"{site}/{login}/{repo.name.rpartition('/')[2]}.git"
        page = f"{site}/{repo.name}/fork"
    return Repository(repo.name, main, repo.intake or "main", fork, page)


def _helpers(connection: sa.Connection, house: House) -> list[str]:
    """Owners and maintainers, each once, on whichever forge."""
    found = {
        person.account.display: None
        for forge in house.forges
        for person in people.with_roles(connection, forge, HELPERS, house.now())
    }
    return list(found)
