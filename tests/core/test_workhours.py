"""Working hours between two moments, by calendars of people in other places."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intakebot.core.reportfile import BadReportFile, read_basis
from intakebot.core.workhours import Calendar, between

BERLIN = Calendar(zone=ZoneInfo("Europe/Berlin"))
moments = st.datetimes(
    datetime(2025, 1, 1),
    datetime(2025, 12, 31),
    timezones=st.just(UTC),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def test_an_evening_and_a_weekend_count_nothing() -> None:
    friday, monday = utc("2026-11-20T15:30"), utc("2026-11-23T09:00")
    assert between(friday, monday, BERLIN) == 0.5 + 1.0  # 16:30 to 17:00, and 9:00 to 10:00


@pytest.mark.parametrize(
    ("begin", "end"),
    [("2026-03-27T12:00", "2026-03-30T12:00"), ("2026-10-23T12:00", "2026-10-26T12:00")],
)
def test_the_days_on_which_clocks_change_lose_and_gain_nothing(begin: str, end: str) -> None:
    every_day = Calendar(zone=BERLIN.zone, days=frozenset(range(7)))
    one = between(utc(begin), utc(end), every_day)
    shifted = 1 if begin.startswith("2026-03") else -1  # noon UTC is another hour there by then
    assert one == 3 * 8 + shifted


def test_a_holiday_counts_nothing() -> None:
    calendar = Calendar(holidays=frozenset({date(2026, 12, 25)}))
    assert between(utc("2026-12-24T16:00"), utc("2026-12-28T10:00"), calendar) == 2.0


@given(moments, moments, moments)
def test_parts_add_up_and_nothing_is_negative(one: datetime, two: datetime, end: datetime) -> None:
    first, second, third = sorted((one, two, end))
    whole = between(first, third, BERLIN)
    parts = between(first, second, BERLIN) + between(second, third, BERLIN)
    assert whole == pytest.approx(parts) and whole >= 0
    assert whole <= (third - first) / timedelta(hours=1) + 1e-9
    assert between(third, first, BERLIN) == 0


def test_a_report_file_is_read_and_every_fault_has_its_place() -> None:
    basis = read_basis(
        '[calendar]\nzone = "Europe/Berlin"\n[agency.Birch]\ndays = ["sat"]\nfrom = 10:00:00\n'
    )
    assert basis.of("Birch").days == {5} and basis.of("Alder").zone == BERLIN.zone
    assert basis.of("Birch").begin.hour == 10
    for text, said in {
        "[targets]\nready = 0.3\n": "targets: risk must be below ready",
        '[calendar]\nfrom = "18:00"\n': "calendar: from must be before until",
        '[calendar]\ndays = ["someday"]\n': "calendar.days: takes one or more of mon",
        "[calender]\n": "calender: Extra inputs are not permitted",
        "ready = ": "report.toml: not TOML",
    }.items():
        with pytest.raises(BadReportFile, match=said):
            read_basis(text)
