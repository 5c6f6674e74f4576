"""The house that a verb works on, once its database is known to be of this version."""

from __future__ import annotations

from pathlib import Path

from intakebot import log
from intakebot.cli.main import house_at
from intakebot.flow.house import Bell, House
from intakebot.model import OperatorError
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
