"""intakebot migrate: bring the databases to this version's schema."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(epilog="Example: intakebot migrate --state /var/lib/intakebot")
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="State folder; INTAKEBOT_STATE or .intakebot unless told.",
)
@click.option("--no-backup", is_flag=True, help="There is one already, made some other way.")
def migrate(state: Path | None, no_backup: bool) -> None:
    """Back up and migrate the databases; a newer schema is refused. Run it before a new version."""
    from intakebot.settings import load
    from intakebot.store import schema
    from intakebot.store.database import Database
    from intakebot.wiring import built_in_forge, now

    settings = load(state)
    settings.state.mkdir(parents=True, exist_ok=True)
    built_in_forge(settings).migrate()
    database = Database(settings.database_url)
    try:
        backup = schema.upgrade(database, now=now(), folder=settings.state, backed_up=no_backup)
    finally:
        database.close()
    click.echo(f"The schema is {schema.NEWEST}.")
    if backup:
        click.echo(f"The backup of the earlier one is {backup}")
