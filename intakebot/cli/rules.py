"""`intakebot rules`: list the rules, and try them on their own examples."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from intakebot.core.rules import Rule, read_rules, try_example
from intakebot.model import OperatorError
from intakebot.settings import rule_files

_FOLDER = click.option(
    "--rules",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="A folder of rule files, instead of those that are in force.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print it for a script.")


@click.group()
def rules() -> None:
    """List the rules, and try them on their examples."""


@rules.command("list", epilog="Example: intakebot rules list")
@_FOLDER
@_JSON
def list_(folder: Path | None, as_json: bool) -> None:
    """One line for each rule."""
    loaded = _load(folder)
    if as_json:
        click.echo(json.dumps([_row(rule) for rule in loaded], indent=2))
        return
    width = max(len(rule.id) for rule in loaded)
    for rule in loaded:
        click.echo(f"{rule.level.value:8} {rule.id:{width}}  {rule.summary}")


@rules.command(epilog="Example: intakebot rules test --rules ./rules")
@_FOLDER
@_JSON
def test(folder: Path | None, as_json: bool) -> None:
    """Run every example of every rule; exit with 1 when one does not hold."""
    loaded = _load(folder)
    failures = {rule.id: _failures(rule) for rule in loaded}
    if as_json:
        click.echo(json.dumps(failures, indent=2))
    else:
        for rule in loaded:
            click.echo(_report(rule, failures[rule.id]))
    if any(failures.values()):
        sys.exit(1)


def _failures(rule: Rule) -> list[dict[str, str]]:
    tried = ((example.name, try_example(rule, example)) for example in rule.examples)
    return [{"example": name, "difference": what} for name, what in tried if what is not None]


def _report(rule: Rule, failures: list[dict[str, str]]) -> str:
    if not failures:
        return f"ok      {rule.id}: {len(rule.examples)} examples hold"
    lines = [f"failed  {rule.id}: {len(failures)} of {len(rule.examples)} examples do not hold"]
    lines += [f"        {each['example']}: {each['difference']}" for each in failures]
    return "\n".join(lines)


def _row(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "level": rule.level.value,
        "summary": rule.summary,
        "digest": rule.digest,
    }


def _load(folder: Path | None) -> tuple[Rule, ...]:
    try:
        return read_rules(rule_files() if folder is None else read_folder(folder))
    except OperatorError as error:
        raise click.ClickException(str(error)) from None


def read_folder(folder: Path) -> dict[str, str]:
    try:
        files = {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.toml"))}
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{folder}: cannot be read: {error}") from error
    if not files:
        raise OperatorError(f"{folder}: holds no rule files (*.toml)")
    return files
