"""`intakebot git-hook`: the front door's refusals in a Git server that is already there."""

from __future__ import annotations

from pathlib import Path

import click

from intakebot.model import OperatorError
from intakebot.wiring import install_hook


@click.group()
def git_hook() -> None:
    """The same refusals in your own Git server."""


@git_hook.command(
    epilog="Example: intakebot git-hook install /srv/git/site.git --protect main --allow deployer"
    " --fork-url 'https://git.example.org/{login}/{repo}.git'"
)
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--protect",
    "protected",
    metavar="BRANCH",
    multiple=True,
    required=True,
    help="A branch that nobody pushes to but --allow. May be given several times.",
)
@click.option(
    "--allow",
    metavar="LOGIN",
    multiple=True,
    help="A login that lands changes; fast-forwards only. May be given several times.",
)
@click.option(
    "--fork-url",
    metavar="TEMPLATE",
    required=True,
    help="Where people's forks are, with {login} and {repo} in it; for the advice to the refused.",
)
def install(path: Path, protected: tuple[str, ...], allow: tuple[str, ...], fork_url: str) -> None:
    """Put the hook into the bare repository PATH. Running it again brings it up to date.

    A refused push is answered with the commands that work instead.
    """
    try:
        done = install_hook(path.resolve(), protected=protected, allow=allow, fork_url=fork_url)
    except OSError as error:
        raise OperatorError(
            f"{error.filename or path}: {error.strerror}; run it as the owner of the repository"
        ) from error
    for line in done:
        click.echo(line)
    if not allow:
        click.echo("Nobody may push to the protected branches now; --allow LOGIN lets one land.")
