"""Hours in which people can be expected to answer. Pure: calendars and moments are passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache

START = 2000  # the year from which on hours are counted; no forge is older
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True, eq=False)  # what was added up is kept for each one
class Calendar:
    """`days` are numbers, Monday is 0. `begin` and `end` are local times of one day."""

    zone: tzinfo = UTC
    days: frozenset[int] = frozenset(range(5))
    begin: time = time(9)
    end: time = time(17)
    holidays: frozenset[date] = frozenset()


def between(begin: datetime, end: datetime, calendar: Calendar) -> float:
    """Working hours from one aware moment to another; 0 where the second is not later."""
    if end <= begin:
        return 0.0
    return (_since_start(end, calendar) - _since_start(begin, calendar)) / timedelta(hours=1)


def _since_start(at: datetime, calendar: Calendar) -> timedelta:
    """Working time of all days from START until then."""
    day = at.astimezone(calendar.zone).date()
    return _before(calendar, day) + _within(at, _hours_of(calendar, day))


def _within(at: datetime, hours: tuple[datetime, datetime] | None) -> timedelta:
    if hours is None or at <= hours[0]:
        return timedelta()
    return min(at, hours[1]) - hours[0]


@cache
def _hours_of(calendar: Calendar, day: date) -> tuple[datetime, datetime] | None:
    """In UTC: local times would lose or gain an hour on the day that the clocks change."""
    if day.weekday() not in calendar.days or day in calendar.holidays:
        return None
    opens, closes = (
        datetime.combine(day, at, calendar.zone).astimezone(UTC)
        for at in (calendar.begin, calendar.end)
    )
    return opens, closes


@cache
def _years_before(calendar: Calendar, year: int) -> timedelta:
    if year <= START:
        return timedelta()
    before = _years_before(calendar, year - 1)
    return before + _sum(calendar, date(year - 1, 1, 1), date(year, 1, 1))


@cache
def _before(calendar: Calendar, day: date) -> timedelta:
    """Of all days from START to this one, itself not included; each is added up once."""
    first = date(max(day.year, START), 1, 1)
    return _years_before(calendar, day.year) + _sum(calendar, first, day)


def _sum(calendar: Calendar, first: date, end: date) -> timedelta:
    total = timedelta()
    for n in range((end - first).days):
        hours = _hours_of(calendar, first + timedelta(days=n))
        if hours is not None:
            total += hours[1] - hours[0]
    return total
