"""`intakebot tools`: what checks can call on this machine, and installing more of it."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from intakebot.checks.kit import Tools
from intakebot.cli.main import JSON, STATE, house_at
from intakebot.wiring import tools_at


@click.group()
def tools() -> None:
    """What checks can call here, and installing more of it."""


@tools.command("list", epilog="Example: intakebot tools list")
@JSON
@STATE
def list_(as_json: bool, state: Path | None) -> None:
    """Each preset's checks, and whether their tools are here."""
    here = tools_at(house_at(state))
    rows = _rows(here)
    if as_json:
        found = [{"preset": row.preset, "check": row.check, "missing": row.missing} for row in rows]
        click.echo(json.dumps({"folder": str(here.folder), "checks": found}, indent=2))
        return
    width = max(len(row.check) for row in rows)
    for row in rows:
        said = f"needs {', '.join(row.missing)}" if row.missing else "ready"
        click.echo(f"{row.preset:8} {row.check:{width}}  {said}{_cure(here, row)}")


@tools.command(epilog="Example: intakebot tools install web shell")
@click.argument("presets", nargs=-1, metavar="[PRESET]...")
@STATE
def install(presets: tuple[str, ...], state: Path | None) -> None:
    """Fetch the tools of these presets, or of all, in the versions that are locked.

    They come from the package index that pip is set up for, and each file must have the hash that
    is written down. What is there already is left alone. Processes that run see them when they
    are started again.
    """
    here = tools_at(house_at(state))
    unknown = [name for name in presets if name not in here.locks]
    if unknown:
        known = ", ".join(sorted(here.locks))
        raise click.BadParameter(
            f"there is nothing to install for {unknown[0]!r}; there is for {known}"
        )
    for name in presets or sorted(here.locks):
        if name in here.installed():
            click.echo(f"{name}: is here already")
            continue
        click.echo(f"{name}: fetching ...", err=True)
        place = here.install(name, lambda package: click.echo(f"  {package}", err=True))
        programs = ", ".join(sorted(path.name for path in (place / "bin").iterdir()))
        click.echo(f"{name}: installed {programs}")
    if sys.stdout.isatty():
        click.echo(
            "Start `intakebot up` (or the web, worker and clock) again, so that they see it."
        )


@dataclass(frozen=True, slots=True)
class _Row:
    preset: str
    check: str
    missing: list[str]


def _rows(here: Tools) -> list[_Row]:
    known = here.toolset()
    return [
        _Row(preset, check, [tool for tool in made.tools if tool not in known.names])
        for preset, checks in sorted(known.presets.items())
        for check, made in checks.items()
    ]


def _cure(here: Tools, row: _Row) -> str:
    """Where what is missing comes from."""
    if not row.missing:
        return ""
    if any(here.brings(row.preset, tool) for tool in row.missing):
        return f": intakebot tools install {row.preset}"
    return ", which comes with the machine"
