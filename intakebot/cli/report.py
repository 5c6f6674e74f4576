"""`intakebot report`: how well contributions come in, from a table of submissions."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import cast

import click

from intakebot.cli.main import JSON
from intakebot.model import OperatorError

# Loaded when it is used: what counts needs a second to load.
FORMATS: Mapping[str, str] = {
    "json": "intakebot.report.exports:to_json",
    "csv": "intakebot.report.exports:to_csv",
    "md": "intakebot.report.exports:to_markdown",
    "html": "intakebot.report.html:to_html",
}
LARGEST = 64 << 20  # bytes of one table
SHARE = click.FloatRange(0, 1)


@click.command(epilog="Example: intakebot report --submissions prs.csv --format html --out r.html")
@click.option(
    "--submissions",
    "files",
    multiple=True,
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="A CSV file, a row for each pull request (docs/report.md); may be repeated.",
)
@click.option("--agency", metavar="NAME", help="This one alone, compared with all.")
@click.option("--ready", type=SHARE, default=0.60, show_default=True, help="To be reached.")
@click.option("--risk", type=SHARE, default=0.40, show_default=True, help="Not to fall below.")
@click.option("--format", "kind", type=click.Choice(list(FORMATS)), help="Else Markdown.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Else printed.")
@JSON
def report(
    files: Sequence[Path],
    agency: str | None,
    ready: float,
    risk: float,
    kind: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Say how well each agency's submissions come in, with the evidence.

    The same rows give the same bytes, in whatever order they come. What it advises is for a person
    to decide on.
    """
    if as_json and kind not in (None, "json"):
        raise click.BadParameter(f"--json and --format {kind} ask for two different things")
    if risk >= ready:
        raise click.BadParameter(f"--risk {risk:g} must be below --ready {ready:g}")
    from intakebot.core.metrics.agency import Targets
    from intakebot.core.metrics.table import read_table
    from intakebot.report.build import build

    texts = [(str(file), _read(file)) for file in files]
    rows = [row for name, text in texts for row in read_table(text, name)]
    made = build(rows, Targets(ready, risk), agency)
    chosen = "json" if as_json else kind or "md"
    module, _, name = FORMATS[chosen].partition(":")
    render = cast(Callable[[object], str], getattr(import_module(module), name))
    text = render(made)
    if out is None:
        click.echo(text, nl=False)
        return
    _write(out, text)
    click.echo(f"Wrote {out}", err=True)


def _read(file: Path) -> str:
    with click.open_file(str(file), "rb") as opened:
        data = opened.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise OperatorError(
            f"{file}: larger than {LARGEST >> 20} MiB; split it by agency or by year"
        )
    try:
        return bytes(data).decode("utf-8")
    except UnicodeDecodeError as error:
        raise OperatorError(f"{file}: byte {error.start} is not UTF-8; save it as UTF-8") from error


def _write(out: Path, text: str) -> None:
    """Whole or not at all."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="", dir=out.parent, prefix=f".{out.name}", delete=False
        ) as made:
            made.write(text)
        os.chmod(made.name, 0o644)
        os.replace(made.name, out)
    except OSError as error:
        raise OperatorError(f"{out}: can't be written: {error.strerror}") from error
