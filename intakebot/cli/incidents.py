"""intakebot incidents: what went round the front door, and letting things land again."""

from __future__ import annotations

import getpass
import json
from pathlib import Path

import click

from intakebot.cli.main import JSON, STATE, house_at, table
from intakebot.core.escape import visible
from intakebot.flow.guard import acknowledge
from intakebot.model import OperatorError
from intakebot.store import incidents as store
from intakebot.store.database import Database
from intakebot.wiring import build_house

MOST = 50


@click.group(epilog="Example: intakebot incidents list")
def incidents() -> None:
    """Pushes past the pull requests, and repositories that are not behind the gate.

    A push that moved a protected branch freezes it until it is acknowledged.
    """


@incidents.command("list", epilog="Example: intakebot incidents list --json")
@JSON
@STATE
def list_(as_json: bool, state: Path | None) -> None:
    """The newest first."""
    database = Database(house_at(state).database_url)
    with database.read() as connection:
        rows = [_shape(row) for row in store.recent(connection, MOST)]
    database.close()
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif rows:
        head = ("ID", "WHEN", "REPOSITORY", "KIND", "BY", "BRANCH", "STANDS")
        click.echo(table([head, *(_cells(row) for row in rows)]))
        for row in rows:
            if row["kind"] == store.OUTSIDE and row["acknowledged_at"] is None:
                click.echo(f"\n{visible(str(row['detail']))}")
    else:
        click.echo("None: nobody got past the pull requests, or tried to.")


@incidents.command(epilog="Example: intakebot incidents ack 7")
@click.argument("number", type=click.IntRange(1), metavar="ID")
@STATE
def ack(number: int, state: Path | None) -> None:
    """Say that ID was looked at. A branch that it froze takes landings again."""
    house = build_house(house_at(state))
    if not acknowledge(house, number, f"operator:{getpass.getuser()}"):
        raise OperatorError(f"incident {number}: there is none, or it is acknowledged already")
    with house.database.read() as connection:
        found = store.find(connection, number)
    again = "; things land again" if found is not None and store.freezes(found) else ""
    click.echo(f"Incident {number} is acknowledged{again}.")


def _shape(row: store.Row) -> dict[str, object]:
    return {
        "id": row.id,
        "at": row.at.isoformat(),
        "repo": row.repo,
        "kind": row.kind,
        "by": row.login,
        "ref": row.ref,
        "detail": row.detail,
        "freezes": store.freezes(row),
        "acknowledged_at": row.acknowledged_at.isoformat() if row.acknowledged_at else None,
    }


def _cells(row: dict[str, object]) -> tuple[str, ...]:
    waits = row["freezes"] and row["acknowledged_at"] is None
    told = "open" if row["kind"] == store.OUTSIDE else "refused"
    stands = "frozen" if waits else "acknowledged" if row["acknowledged_at"] else told
    values = (row["id"], str(row["at"])[:16], row["repo"], row["kind"], row["by"], row["ref"])
    return (*(visible(str(value), 60) for value in values), stands)
