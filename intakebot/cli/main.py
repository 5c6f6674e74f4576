"""The front of the command line: its verbs, the one door errors leave by, and what verbs share.

A verb is imported when it is used, so that help is quick and one broken verb breaks no other.
"""

from __future__ import annotations

import os
import platform
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module, metadata
from pathlib import Path
from sys import modules
from typing import Any, NamedTuple

import click

from intakebot import settings
from intakebot.model import OperatorError, TryLater


class Verb(NamedTuple):
    """`place` is module:attribute; `help` stands in the list, where nothing is imported."""

    place: str
    help: str


VERBS: Mapping[str, Verb] = {
    "up": Verb("intakebot.cli.up:up", "Start the whole house on this machine."),
    "demo": Verb("intakebot.world.demo:demo", "Show a day at the front door, with made-up people."),
    "repo": Verb("intakebot.cli.repo:repo", "Repositories of the built-in forge."),
    "connect": Verb("intakebot.cli.connect:connect", "Set a repository elsewhere up as a gate."),
    "disconnect": Verb("intakebot.cli.disconnect:disconnect", "Take that back again."),
    "doctor": Verb("intakebot.cli.doctor:doctor", "What is wrong here, and how to mend it."),
    "verify": Verb("intakebot.cli.verify:verify", "Check that what was promised was kept."),
    "people": Verb("intakebot.cli.people:people", "The roster: who is who, and until when."),
    "invite": Verb("intakebot.cli.invite:invite", "Write an agency's starter page."),
    "incidents": Verb("intakebot.cli.incidents:incidents", "What went past the pull requests."),
    "check": Verb("intakebot.cli.check:check", "Look at one pull request now."),
    "findings": Verb("intakebot.cli.findings:findings", "Place a tool's report on a diff."),
    "rules": Verb("intakebot.cli.rules:rules", "List the rules, and try them on their examples."),
    "backtest": Verb("intakebot.cli.backtest:backtest", "What other rules would have decided."),
    "backfill": Verb("intakebot.cli.backfill:backfill", "What a repository's past tells."),
    "report": Verb("intakebot.cli.report:report", "How well contributions come in."),
    "sandbox": Verb("intakebot.cli.sandbox:sandbox", "Run a command as a check runs."),
    "tools": Verb("intakebot.cli.tools:tools", "What checks can call here, and more of it."),
    "explain": Verb("intakebot.cli.explain:explain", "Show a rule, what it says, and examples."),
    "parse": Verb("intakebot.cli.parse:parse", "Show what one webhook request would tell."),
    "git-hook": Verb("intakebot.cli.githook:git_hook", "The same refusals in your own Git server."),
    "web": Verb("intakebot.cli.parts:web", "Run the pages and the webhook door."),
    "worker": Verb("intakebot.cli.parts:worker", "Run a worker."),
    "clock": Verb("intakebot.cli.parts:clock", "Run the clock, which finds what is due."),
    "forge": Verb("intakebot.cli.parts:forge", "Run the built-in Git forge."),
    "forge-sender": Verb("intakebot.cli.parts:forge_sender", "Send the forge's webhooks."),
    "migrate": Verb("intakebot.cli.migrate:migrate", "Bring the databases up to date."),
}


class CouldNotTell(click.ClickException):
    """There is no answer now; trying again may give one."""

    exit_code = 3


class Fault(click.ClickException):
    exit_code = 70  # EX_SOFTWARE of sysexits.h


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module, _, attribute = VERBS[cmd_name].place.partition(":")
        found: click.Command = getattr(import_module(module), attribute)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in VERBS and not args[0].startswith("-"):
            near = get_close_matches(args[0], VERBS, n=1)
            hint = f"Did you mean '{near[0]}'?" if near else "`intakebot --help` lists them."
            raise click.UsageError(f"there is no verb '{args[0]}'. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table above, without importing a verb."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, verb.help) for name, verb in VERBS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
            raise
        except (KeyboardInterrupt, click.Abort):
            ctx.exit(130)  # 128 + SIGINT, as shells count
        except TryLater as error:
            raise CouldNotTell(str(error)) from error
        except Exception as error:
            if _is_refusal(error):
                raise click.ClickException(str(error)) from error
            raise Fault(_fault(error, ctx.invoked_subcommand or "")) from error


def _is_refusal(error: Exception) -> bool:
    """ForgeError comes through wiring alone: where that was never imported, there is none."""
    wiring = modules.get("intakebot.wiring")
    forge_error = wiring.ForgeError if wiring else OperatorError
    return isinstance(error, OperatorError | forge_error)


def _fault(error: Exception, verb: str) -> str:
    """Keep the traceback in a file of its own, and say where. Arguments may be secret: not kept."""
    text = "".join(traceback.format_exception(error))
    about = f"intakebot {_version()}, {verb}, Python {platform.python_version()}\n\n{text}"
    said = f"this is a fault in intakebot ({type(error).__name__})"
    try:
        descriptor, path = tempfile.mkstemp(prefix="intakebot-fault-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as out:
            out.write(about)
    except OSError as problem:
        return f"{said}; its report could not be written: {problem}"
    return f"{said}; please report it with {path}"


def _version() -> str:
    try:
        return metadata.version("intakebot")
    except metadata.PackageNotFoundError:
        return "(a checkout that is not installed)"


def _show_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        click.echo(f"intakebot {_version()}")
        ctx.exit()


@click.group(cls=_Verbs, subcommand_metavar="VERB ...", epilog="Example: intakebot up")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Print the version.",
)
def main() -> None:
    """The front door for code written by people you do not employ."""


# --- what the verbs share -------------------------------------------------------------

STATE = click.option(
    "--state",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the house; else INTAKEBOT_STATE, else .intakebot.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print it for a script.")


def house_at(state: Path | None, *, make: bool = False) -> settings.Settings:
    """The settings of the house in this folder, which must be there unless `make` says to begin it.

    Only verbs that add something begin one: a mistyped folder must not look like an empty house.
    """
    found = settings.load(state)
    if found.state.is_dir():
        return found
    if not make:
        raise OperatorError(
            f"{found.state}: there is no house here; "
            "give its folder with --state, or run `intakebot up` once"
        )
    try:
        found.state.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise OperatorError(
            f"{found.state}: can't be made: {error.strerror}; choose another with --state"
        ) from error
    click.echo(f"Began a house in {found.state}.", err=True)
    return found


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns two spaces apart, as wide as their longest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
