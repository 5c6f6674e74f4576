"""`intakebot report`: how well contributions come in, from a table of submissions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from intakebot.cli.main import JSON, STATE, house_at
from intakebot.cli.uncollected import uncollected
from intakebot.cli.written import write_whole
from intakebot.core.metrics.targets import Targets
from intakebot.model import OperatorError
from intakebot.store.database import Database

if TYPE_CHECKING:
    from intakebot.core.metrics.stories import Story
    from intakebot.report.build import Report
    from intakebot.report.gather import Asked

# Loaded when it is used: what counts needs a second to load.
FORMATS: Mapping[str, str] = {
    "json": "intakebot.report.exports:to_json",
    "csv": "intakebot.report.exports:to_csv",
    "md": "intakebot.report.exports:to_markdown",
    "html": "intakebot.report.html:to_html",
    "pdf": "intakebot.report.pdf:to_pdf",
    "parquet": "intakebot.report.parquet:to_parquet",
}
BINARY = ("pdf", "parquet")
LARGEST = 64 << 20  # bytes of one table
MANY = 2_000  # pull requests that are counted in a second or less
SHARE = click.FloatRange(0, 1)


@click.command(
    epilog="Example: intakebot report --agency Birch --since 2026-01-01 --format html --out r.html"
)
@click.option("--agency", metavar="NAME", default="", help="This one alone, compared with all.")
@click.option("--person", metavar="NAME", default="", help="This one alone: a name or a login.")
@click.option("--all", "everybody", is_flag=True, help="All agencies; so it is unless one is said.")
@click.option(
    "--since",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    help="First verdicts from then on.",
)
@click.option(
    "--submissions",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Not what the house has seen, but a CSV file (docs/report.md); may be repeated.",
)
@click.option("--ready", type=SHARE, help="Share to be reached; else report.toml's, or 0.60.")
@click.option("--risk", type=SHARE, help="Not to fall below; else report.toml's, or 0.40.")
@click.option("--format", "kind", type=click.Choice(list(FORMATS)), help="Else Markdown.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Else printed.")
@JSON
@STATE
def report(
    agency: str,
    person: str,
    everybody: bool,
    since: datetime | None,
    files: Sequence[Path],
    ready: float | None,
    risk: float | None,
    kind: str | None,
    out: Path | None,
    as_json: bool,
    state: Path | None,
) -> None:
    """Say how well each agency's submissions come in, with the evidence.

    The same submissions give the same bytes, in whatever order they come. What it advises is for a
    person to decide on: on the agency's page, with a reason.
    """
    if as_json and kind not in (None, "json"):
        raise click.BadParameter(f"--json and --format {kind} ask for two different things")
    if sum(map(bool, (agency, person, everybody))) > 1:
        raise click.UsageError("--agency, --person and --all: say one of them")
    if kind in BINARY and out is None and sys.stdout.isatty():
        raise click.UsageError(f"--format {kind} is nothing to read here; say --out FILE")
    start = since.replace(tzinfo=UTC) if since else None
    if files and (start or person):
        raise click.UsageError("a table has no dates and no names; --since and --person need them")
    with uncollected():
        if files:
            made = _of_tables(files, _targets(Targets(), ready, risk), agency)
        else:
            from intakebot.report.gather import Asked

            made = _of_house(state, Asked(start, agency, person), ready, risk)
        whole = _drawn(made, "json" if as_json else kind or "md")
    if out is None:
        click.echo(whole, nl=False)
        return
    write_whole(out, whole)
    click.echo(f"Wrote {out}", err=True)


def _drawn(made: Report, kind: str) -> str | bytes:
    module, _, name = FORMATS[kind].partition(":")
    render = cast(Callable[[object], str | bytes], getattr(import_module(module), name))
    return render(made)


def _targets(usual: Targets, ready: float | None, risk: float | None) -> Targets:
    targets = Targets(usual.ready if ready is None else ready, usual.risk if risk is None else risk)
    if targets.risk >= targets.ready:
        raise click.BadParameter(f"--risk {targets.risk:g} must be below --ready {targets.ready:g}")
    return targets


def _of_tables(files: Sequence[Path], targets: Targets, agency: str) -> Report:
    from intakebot.core.metrics.table import read_table
    from intakebot.report.build import build

    texts = [(str(file), _read(file)) for file in files]
    rows = [row for name, text in texts for row in read_table(text, name)]
    return build(rows, targets, agency or None)


def _of_house(state: Path | None, asked: Asked, ready: float | None, risk: float | None) -> Report:
    from intakebot.report.gather import of_house

    settings = house_at(state)
    database = Database(settings.database_url)
    try:
        targets = partial(_targets, ready=ready, risk=risk)
        return of_house(database, settings, asked, targets, _watched)
    finally:
        database.close()


def _watched(found: Iterable[Story], number: int) -> Iterator[Story]:
    """Says how far it is, where that takes more than a moment."""
    if number < MANY:
        yield from found
        return
    label = "Pull requests to count"
    with click.progressbar(found, length=number, label=label, file=sys.stderr) as bar:
        yield from bar


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
