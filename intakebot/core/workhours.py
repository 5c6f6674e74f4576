"""Hours in which people can be expected to answer. Pure: calendars and moments are passed in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Calendar:
    """`days` are numbers, Monday is 0. `begin` and `end` are local times of one day."""

    zone: tzinfo = UTC
    days: frozenset[int] = frozenset(range(5))
    begin: time = time(9)
    end: time = time(17)
    holidays: frozenset[date] = frozenset()

    @property
    def hours_a_day(self) -> float:
        from_midnight = [one.hour + one.minute / 60 for one in (self.begin, self.end)]
        return from_midnight[1] - from_midnight[0]


def between(begin: datetime, end: datetime, calendar: Calendar) -> float:
    """Working hours from one aware moment to another; 0 where the second is not later."""
    if end <= begin:
        return 0.0
    total = timedelta()
    for opens, closes in _working_days(begin, end, calendar):
        total += max(timedelta(), min(end, closes) - max(begin, opens))
    return total / timedelta(hours=1)


def _working_days(
    begin: datetime, end: datetime, calendar: Calendar
) -> Iterator[tuple[datetime, datetime]]:
    """In UTC: local times would lose or gain an hour on the day that the clocks change."""
    day, last = begin.astimezone(calendar.zone).date(), end.astimezone(calendar.zone).date()
    while day <= last:
        if day.weekday() in calendar.days and day not in calendar.holidays:
            yield tuple(  # type: ignore[misc]  # two of them
                datetime.combine(day, at, calendar.zone).astimezone(UTC)
                for at in (calendar.begin, calendar.end)
            )
        day += timedelta(days=1)
