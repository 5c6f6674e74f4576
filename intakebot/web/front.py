"""What every room of the web process shares, made once in `create_app`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import current_app

from intakebot.core.dialect import Dialect
from intakebot.flow.house import House
from intakebot.flow.inbox import Inbox
from intakebot.settings import Settings
from intakebot.web.attempts import Attempts
from intakebot.web.fetches import Fetches
from intakebot.web.health import Readiness
from intakebot.web.own import OwnAccounts
from intakebot.web.reports import Reports

NAME = "intakebot"


@dataclass(frozen=True, slots=True)
class Front:
    settings: Settings
    house: House
    dialects: Mapping[str, Dialect]
    inbox: Inbox
    own: OwnAccounts
    attempts: Attempts
    fetches: Fetches
    readiness: Readiness
    reports: Reports


def front() -> Front:
    """This application's own, inside a request."""
    found: Front = current_app.extensions[NAME]
    return found
