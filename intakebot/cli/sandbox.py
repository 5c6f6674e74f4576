"""`intakebot sandbox -- CMD`: anything, run as a check runs it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from intakebot.checks.limits import MIB, Limits, NoSandbox, Ran, SandboxFailed
from intakebot.cli.main import JSON, STATE, house_at
from intakebot.core.measured import measured_size, measured_time
from intakebot.repo.here import git_here, tree_named
from intakebot.repo.objects import write_tar
from intakebot.settings import Settings, load
from intakebot.wiring import tools_at, try_sandbox

NO_SANDBOX = 125  # as `docker run` and `timeout` have it for their own failures
# What a run that was stopped ends with: as timeout(1) says it, a SIGKILL, a SIGXFSZ.
STOPPED = {"time": 124, "memory": 137, "output": 153, "cancelled": 130}


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog="Example: intakebot sandbox --tree main --memory 512m -- pytest -q",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD...")
@click.option("--tree", "name", default="HEAD", show_default=True, metavar="REV", help="Its files.")
@click.option(
    "--repo",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="A git repository; else the one that you are in.",
)
@click.option("--time", "wall", default="10m", show_default=True, help="After which it is stopped.")
@click.option("--memory", default="1g", show_default=True, help="For all its processes together.")
@click.option("--disk", default="", help="Put the files on disk, where they may take so much.")
@click.option("--env", "variables", multiple=True, metavar="NAME=VALUE", help="May be repeated.")
@JSON
@STATE
@click.pass_context
def sandbox(
    ctx: click.Context,
    command: Sequence[str],
    name: str,
    repo: Path,
    wall: str,
    memory: str,
    disk: str,
    variables: Sequence[str],
    as_json: bool,
    state: Path | None,
) -> None:
    """Run CMD in the sandbox on the files of a commit, as a check runs.

    It gets what is committed, not what lies about in the work tree, and what it changes is gone
    afterwards. What it prints comes at its end, without the middle where it is more than 1 MiB.
    The exit status is its own, or 124 when its time was over, 137 when it took too much memory,
    153 when it printed without end, 125 when there is no sandbox here.
    """
    limits, env = _limits(wall, memory, disk), dict(_variable(text) for text in variables)
    git = git_here(repo)
    tree = tree_named(git, name)
    try:
        with _settings(state) as settings:
            ran = try_sandbox(settings).run(
                command,
                tree=lambda stream: write_tar(git, tree, stream),
                reports=(),
                limits=limits,
                tools=tools_at(settings).build(),
                env=env,
            )
    except (NoSandbox, SandboxFailed) as error:
        click.echo(f"Error: {error}", err=True)
        ctx.exit(NO_SANDBOX)
    _show(ran, limits, as_json=as_json)
    ctx.exit(STOPPED.get(ran.stopped, 0) if ran.status is None else ran.status)


@contextmanager
def _settings(state: Path | None) -> Iterator[Settings]:
    """Of the house that there is; without one, of a folder that is gone afterwards."""
    found = load(state)
    if state is not None or found.state.is_dir():
        yield house_at(state)
        return
    with tempfile.TemporaryDirectory(prefix="intakebot-") as folder:
        Path(folder).chmod(0o755)
        yield load(Path(folder))


def _limits(wall: str, memory: str, disk: str) -> Limits:
    try:
        seconds, size = measured_time(wall), measured_size(memory)
        tree = measured_size(disk) if disk else 0
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return Limits(wall=seconds, memory=size, cpu=seconds * (os.cpu_count() or 1), tree=tree)


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name.isidentifier() and name.isascii()):
        raise click.BadParameter(f"--env {text!r} is not NAME=VALUE")
    return name, value


def _show(ran: Ran, limits: Limits, *, as_json: bool) -> None:
    if as_json:
        told = {
            "status": ran.status,
            "stopped": ran.stopped or None,
            "seconds": round(ran.seconds, 3),
            "output": ran.output.decode(errors="replace"),
        }
        click.echo(json.dumps(told, indent=2))
        return
    sys.stdout.buffer.write(ran.output)
    sys.stdout.buffer.flush()
    if ran.stopped:
        why = {
            "time": f"its {limits.wall:g} s were over",
            "memory": f"it used more than {limits.memory // MIB} MiB of memory",
            "output": "it printed without end",
        }
        click.echo(f"Stopped: {why.get(ran.stopped, ran.stopped)}.", err=True)
