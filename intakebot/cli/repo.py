"""`intakebot repo`: the main repositories of the built-in forge, and who may do what there."""

from __future__ import annotations

import json
from pathlib import Path

import click

from intakebot import wiring
from intakebot.cli.main import JSON, STATE, house_at, table
from intakebot.core.expression import did_you_mean
from intakebot.model import OperatorError

_MAY = {
    "read": "may read {repo}, and send changes from a fork",
    "write": "may read {repo}, push to its unprotected branches, and merge where the roster agrees",
    "none": "has no right to {repo} any more",
}


@click.group()
def repo() -> None:
    """Repositories of the built-in forge."""


@repo.command(epilog="Example: intakebot repo add site --from ~/src/site")
@click.argument("name")
@click.option(
    "--from",
    "origin",
    metavar="PATH",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Copy branches and tags from this repository.",
)
@click.option(
    "--intake", metavar="BRANCH", default="main", show_default=True, help="Takes changes."
)
@click.option("--deploy", metavar="BRANCH", default="deploy", show_default=True, help="Goes live.")
@STATE
def add(name: str, origin: Path | None, intake: str, deploy: str, state: Path | None) -> None:
    """Make the main repository NAME. One that is there already stays as it is."""
    settings = house_at(state, make=True)
    forge = wiring.built_in_forge(settings)
    forge.migrate()
    base = forge.git_url() or settings.git_url
    known = name in (each["name"] for each in forge.repos())
    if known and origin is not None:
        raise OperatorError(
            f"{name} is there already, so nothing was copied from {origin}; choose another name"
        )
    forge.add_repo(name, from_path=origin, intake=intake, deploy=deploy)
    if known:
        click.echo(f"{name} is there already and stays as it is: {_clone_url(base, name)}")
        return
    click.echo(_welcome(base, name, intake, deploy))
    if origin is None:
        click.echo(
            f"It has no commits yet: somebody with write access pushes the first ones to {intake}."
            " After that, changes come as pull requests."
        )


@repo.command(epilog="Example: intakebot repo grant ada read --repo site")
@click.argument("login")
@click.argument("level", type=click.Choice(list(_MAY)))
@click.option("--repo", "name", metavar="NAME", help="Which; may be left out while there is one.")
@STATE
def grant(login: str, level: str, name: str | None, state: Path | None) -> None:
    """Let LOGIN read or write, or neither."""
    settings = house_at(state)
    forge = wiring.built_in_forge(settings)
    forge.migrate()
    chosen = _chosen([each["name"] for each in forge.repos()], name)
    forge.grant(chosen, login, level)
    click.echo(f"{login} {_MAY[level].format(repo=chosen)}.")


@repo.command("list", epilog="Example: intakebot repo list --json")
@JSON
@STATE
def list_(as_json: bool, state: Path | None) -> None:
    """One line for each repository."""
    settings = house_at(state)
    forge = wiring.built_in_forge(settings)
    forge.migrate()
    base = forge.git_url() or settings.git_url
    rows = [each | {"clone_url": _clone_url(base, each["name"])} for each in forge.repos()]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif rows:
        columns = ("name", "intake", "deploy", "clone_url")
        click.echo(table([("NAME", "INTAKE", "DEPLOY", "CLONE FROM"), *_cells(rows, columns)]))
    else:
        click.echo("There is no repository yet. Add one: intakebot repo add NAME --from PATH")


def _cells(rows: list[dict[str, str]], columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [tuple(row[column] for column in columns) for row in rows]


def _chosen(names: list[str], name: str | None) -> str:
    if not names:
        raise OperatorError("there is no repository yet; add one: intakebot repo add NAME")
    if name is None and len(names) > 1:
        raise click.UsageError(f"there are several repositories: {', '.join(names)}; add --repo")
    chosen = name or names[0]
    if chosen not in names:
        hint = did_you_mean(chosen, names) or f" There are: {', '.join(names)}."
        raise click.UsageError(f"there is no repository '{chosen}'.{hint}")
    return chosen


def _clone_url(base: str, name: str, owner: str = "main") -> str:
    """Addresses are a promise of the forge: docs/git-forge.md. `base` is where it was last up."""
    return f"{base}/git/{owner}/{name}.git"


def _welcome(base: str, name: str, intake: str, deploy: str) -> str:
    lands = f"Changes come to {intake}; {deploy} is deployed."
    return f"""\
{name} is made: {_clone_url(base, name)}
{lands}

Next, for each person:
  intakebot people add LOGIN --group staff|contractor|agency --role contributor
  intakebot repo grant LOGIN read --repo {name}
They push to their fork, which is made by the first push and opens a pull request:
  git push {_clone_url(base, name, "LOGIN")} HEAD:refs/heads/BRANCH"""
