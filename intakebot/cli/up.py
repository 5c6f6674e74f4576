"""intakebot up: the whole house on this machine."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from intakebot.up.first_run import Prepared


@click.command(epilog="Example: intakebot up --state /var/lib/intakebot --port 8420")
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    default=lambda: os.environ.get("INTAKEBOT_STATE", ".intakebot"),
    help="Folder for everything it keeps; .intakebot unless told.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65534),
    default=8420,
    envvar="PORT",
    show_default="PORT, else 8420",
    help="The pages; Git is next.",
)
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
def up(state: Path, port: int, host: str) -> None:
    """Start everything: pages, worker, clock, Git server, database, Redis.

    The first run makes a sample repository to try. Ctrl-C stops every process.
    """
    _carry_a_tag()
    from intakebot import log
    from intakebot.up.run import up as start

    log.set_up("WARNING")
    start(state, host, port, lambda prepared: announce(prepared))


def _carry_a_tag() -> None:
    """Start this program again with a tag in its environment, by which its children are known.

    What /proc shows of a process is the environment it was started with, so it can't be added
    later. Done before anything heavy is imported, it costs some 50 ms.
    """
    if "INTAKEBOT_HOUSE" not in os.environ:
        os.environ["INTAKEBOT_HOUSE"] = secrets.token_hex(8)
        os.execv(sys.executable, [sys.executable, "-m", "intakebot", *sys.argv[1:]])  # noqa: S606


def announce(prepared: Prepared) -> None:
    settings = prepared.settings
    lines = [f"intakebot is ready: {settings.public_url}"]
    if prepared.backup:
        lines.append(f"The database was brought up to date; its backup is {prepared.backup}")
    lines += ["", "Sign in (once, within 30 minutes):", f"  {prepared.sign_in}"]
    if prepared.trial:
        lines += ["", "Try it as Ada, a developer of an agency:", *trial(prepared)]
    lines += ["", "Ctrl-C stops it."]
    click.echo("\n".join(lines))
    sys.stdout.flush()


def trial(prepared: Prepared) -> list[str]:
    settings = prepared.settings
    scheme, _, rest = settings.git_url.partition("://")
    return [
        f"  git clone -c credential.helper='store --file={prepared.trial}' "
        f"{scheme}://ada@{rest}/git/main/site.git",
        "  cd site",
        "  sed -i 's/Welcome to/Spring in/' index.html",
        '  git commit -am "Put up the spring banner"',
        "  git push          # refused, with the two lines that work instead",
    ]
