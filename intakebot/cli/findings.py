"""`intakebot findings FORMAT FILE --diff PATCH`: what of a tool's report is about a change."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import click

from intakebot.checks import formats
from intakebot.checks.formats import NAMES, BadReport
from intakebot.checks.formats.reports import TREE
from intakebot.cli.main import JSON, table
from intakebot.core.escape import visible
from intakebot.core.patch import read_patch
from intakebot.core.placing import COUNTS, Placed, place
from intakebot.model import OperatorError

MESSAGE = 80  # characters of it in the table


@click.command(
    epilog="Example: ruff check --output-format sarif | intakebot findings sarif - \\ "
    "--diff <(git diff main...)"
)
@click.argument("format_", metavar="FORMAT", type=click.Choice(NAMES))
@click.argument("file", type=click.File("rb"))
@click.option("--diff", "patch", required=True, type=click.File("rb"), help="Of the same files.")
@click.option(
    "--mode",
    type=click.Choice(list(COUNTS)),
    default="added",
    show_default=True,
    help="Which findings count: on lines that were added, shown in the diff, or in its files.",
)
@click.option("--pattern", default="", help="With named groups, for the format regex.")
@click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where the tool ran, for reports with absolute paths; else here.",
)
@JSON
@click.pass_context
def findings(
    ctx: click.Context,
    format_: str,
    file: BinaryIO,
    patch: BinaryIO,
    mode: str,
    pattern: str,
    root: Path,
    as_json: bool,
) -> None:
    """Read FILE, a tool's report in FORMAT, and say where each finding is, seen from the diff.

    FILE or the diff, one of them, may be -, standard input. Exit code 0: nothing counts;
    1: something does; 2: a report, a diff or a pattern that can't be read.
    """
    if file.name == patch.name:  # an empty second one would say that nothing is on the change
        raise click.UsageError(f"FILE and --diff are both {file.name}; give each its own")
    try:
        found = formats.parser(format_, pattern)(_relative(file.read(), root))
    except (BadReport, OperatorError) as refusal:
        raise click.UsageError(f"{file.name}: {refusal}") from None
    try:
        placed = place(found, read_patch(patch.read()))
    except OperatorError as refusal:
        raise click.UsageError(f"{patch.name}: {refusal}") from None
    counting = [one for one in placed if one.where in COUNTS[mode]]
    if as_json:
        click.echo(json.dumps([_row(one, one in counting) for one in placed], indent=2))
    else:
        click.echo(_page(placed, counting))
    ctx.exit(1 if counting else 0)


def _relative(report: bytes, root: Path) -> bytes:
    """With the folder where the tool ran called as it is in the sandbox, for whose reports the
    parsers are made."""
    here = os.fsencode(root.resolve())
    return report if here == b"/" else report.replace(here + b"/", f"{TREE}/".encode())


def _row(placed: Placed, counts: bool) -> Mapping[str, object]:
    return {"placed": placed.where.value, "counts": counts, **asdict(placed.known)}


def _page(placed: Sequence[Placed], counting: Sequence[Placed]) -> str:
    if not placed:
        return "The report has no findings."
    rows = [
        (
            one.where.value,
            visible(one.known.place),
            one.finding.level.value,
            visible(one.finding.rule),
            _short(visible(" ".join(one.finding.message.split()))),
        )
        for one in placed
    ]
    noun = "finding" if len(placed) == 1 else "findings"
    return f"{table(rows)}\n\n{len(counting)} of {len(placed)} {noun} on the change."


def _short(text: str) -> str:
    return text if len(text) <= MESSAGE else text[: MESSAGE - 1] + "…"
