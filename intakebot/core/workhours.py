"""Hours in which people can be expected to answer. Pure: calendars and moments are passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache

START = 2000  # the year from which on hours are counted; no forge is older
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HOUR = timedelta(hours=1) // _MICROSECOND


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
    return (_since_start(end, calendar) - _since_start(begin, calendar)) / _HOUR


def _since_start(at: datetime, calendar: Calendar) -> int:
    """Working time of all days from START until then, in microseconds as everywhere below."""
    before, opens, closes = _day(calendar, at.astimezone(calendar.zone).date())
    now = (at - _EPOCH) // _MICROSECOND
    return before + max(0, min(now, closes) - opens)


@cache
def _day(calendar: Calendar, day: date) -> tuple[int, int, int]:
    """Of all days from START to this one, itself not included; and when this one's hours begin and
    end, in UTC: local times would lose or gain an hour on the day that the clocks change."""
    opens, closes = _hours_of(calendar, day)
    return _before(calendar, day), opens, closes


@cache
def _hours_of(calendar: Calendar, day: date) -> tuple[int, int]:
    """Both the same on a day off."""
    if day.weekday() not in calendar.days or day in calendar.holidays:
        return 0, 0
    opens, closes = (
        (datetime.combine(day, at, calendar.zone) - _EPOCH) // _MICROSECOND
        for at in (calendar.begin, calendar.end)
    )
    return opens, closes


@cache
def _years_before(calendar: Calendar, year: int) -> int:
    if year <= START:
        return 0
    before = _years_before(calendar, year - 1)
    return before + _sum(calendar, date(year - 1, 1, 1), date(year, 1, 1))


def _before(calendar: Calendar, day: date) -> int:
    first = date(max(day.year, START), 1, 1)
    return _years_before(calendar, day.year) + _sum(calendar, first, day)


def _sum(calendar: Calendar, first: date, end: date) -> int:
    total = 0
    for n in range((end - first).days):
        opens, closes = _hours_of(calendar, first + timedelta(days=n))
        total += closes - opens
    return total
