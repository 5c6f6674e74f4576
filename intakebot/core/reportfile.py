"""`report.toml` in the state folder: what the contributor report counts by (docs/report.md)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from intakebot.core.metrics.described import BadTicket, Fields, check_ticket
from intakebot.core.metrics.targets import Targets
from intakebot.core.workhours import WEEKDAYS, Calendar
from intakebot.model import OperatorError

NAME = "report.toml"


class BadReportFile(OperatorError):
    """File, key, fault, cure."""


@dataclass(frozen=True, slots=True)
class Basis:
    """Targets, our own calendar, those of agencies that keep other hours, and what a description
    should have."""

    targets: Targets = field(default_factory=Targets)
    calendar: Calendar = field(default_factory=Calendar)
    agencies: Mapping[str, Calendar] = field(default_factory=dict)
    fields: Fields = field(default_factory=Fields)

    def of(self, agency: str) -> Calendar:
        return self.agencies.get(agency, self.calendar)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)


class _Targets(_Part):
    ready: Annotated[float, Field(ge=0, le=1)] = Targets().ready
    risk: Annotated[float, Field(ge=0, le=1)] = Targets().risk

    @model_validator(mode="after")
    def _apart(self) -> _Targets:
        if self.risk >= self.ready:
            raise ValueError("risk must be below ready")
        return self


class _Calendar(_Part):
    zone: str = "UTC"
    days: list[str] = list(WEEKDAYS[:5])
    begin: Annotated[time | str, Field(alias="from")] = "09:00"
    end: Annotated[time | str, Field(alias="until")] = "17:00"
    holidays: list[date] = []

    @field_validator("zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                f"there is no time zone {name!r}; write it like Europe/Berlin"
            ) from error
        return name

    @field_validator("days")
    @classmethod
    def _weekdays(cls, days: list[str]) -> list[str]:
        wrong = [day for day in days if day not in WEEKDAYS]
        if wrong or not days:
            raise ValueError(f"takes one or more of {', '.join(WEEKDAYS)}")
        return days

    @field_validator("begin", "end")
    @classmethod
    def _clock(cls, at: time | str) -> time:
        if isinstance(at, time):
            return at
        try:
            return time.fromisoformat(at)
        except ValueError as error:
            raise ValueError("takes a time of day, like 09:00") from error

    @model_validator(mode="after")
    def _forward(self) -> _Calendar:
        if str(self.begin) >= str(self.end):
            raise ValueError("from must be before until; both are of one day")
        return self

    def read(self) -> Calendar:
        return Calendar(
            zone=ZoneInfo(self.zone),
            days=frozenset(WEEKDAYS.index(day) for day in self.days),
            begin=self.begin if isinstance(self.begin, time) else time.fromisoformat(self.begin),
            end=self.end if isinstance(self.end, time) else time.fromisoformat(self.end),
            holidays=frozenset(self.holidays),
        )


class _Description(_Part):
    ticket: str = ""
    mentions: list[Annotated[str, Field(min_length=1)]] = []

    @field_validator("ticket")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            check_ticket(pattern)
        except BadTicket as error:
            raise ValueError(f"{error}; write for example [A-Z]+-[0-9]+") from error
        return pattern


class _File(_Part):
    targets: _Targets = _Targets()
    calendar: _Calendar = _Calendar()
    agency: dict[str, _Calendar] = {}
    description: _Description = _Description()


def read_basis(text: str | None) -> Basis:
    """None where there is no such file. Raises BadReportFile."""
    try:
        found = _File.model_validate(tomllib.loads(text or ""))
    except tomllib.TOMLDecodeError as error:
        raise BadReportFile(f"{NAME}: not TOML: {error}") from error
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, one['loc'])) or 'the file'}: "
            f"{one['msg'].removeprefix('Value error, ')}"
            for one in error.errors()
        ]
        raise BadReportFile("\n".join(f"{NAME}: {fault}" for fault in faults)) from error
    return Basis(
        Targets(found.targets.ready, found.targets.risk),
        found.calendar.read(),
        {name: calendar.read() for name, calendar in found.agency.items()},
        Fields(found.description.ticket, tuple(found.description.mentions)),
    )
