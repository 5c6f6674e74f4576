"""The house that a verb works on, once its database is known to be of this version."""

from __future__ import annotations

from pathlib import Path

import click

from intakebot import log
from intakebot.cli.main import house_at
from intakebot.core.expression import did_you_mean
from intakebot.flow.house import Bell, House
from intakebot.forges.api import Forge
from intakebot.model import OperatorError, Repo
from intakebot.store import schema
from intakebot.wiring import build_house


def open_house(state: Path | None, bell: Bell | None) -> House:
    """Raises OperatorError when there is none, or its database has another schema."""
    settings = house_at(state)
    log.set_up("WARNING")
    house = build_house(settings, bell=bell)
    found = schema.version(house.database)
    if found != schema.NEWEST:
        house.database.close()
        raise OperatorError(
            f"{settings.state}: the database has schema {found}, not {schema.NEWEST}; "
            "run `intakebot migrate`, or the version of intakebot that belongs to it"
        )
    return house


def find_repo(house: House, name: str) -> tuple[Forge, Repo]:
    found = {repo.name: (forge, repo) for forge in house.forges.values() for repo in forge.repos()}
    if name not in found:
        hint = did_you_mean(name, list(found)) or f" There are: {', '.join(found) or 'none'}."
        raise click.UsageError(f"there is no repository '{name}' that the bot may read.{hint}")
    return found[name]
