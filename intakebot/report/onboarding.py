"""When an agency is new no longer, its first report is made and the gatekeepers are told, once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from intakebot.core.escape import visible
from intakebot.report import words
from intakebot.report.build import Agency, Report
from intakebot.store import letters, notices
from intakebot.store.database import Database

NEW_UNTIL, NEW_FOR = 10, timedelta(days=30)  # submissions, and time since the first


def is_settled(agency: Agency, now: datetime) -> bool:
    first = min((one.seen.at for one in agency.rows if one.seen is not None), default=None)
    return agency.numbers.n >= NEW_UNTIL or (first is not None and now - first >= NEW_FOR)


def tell(
    database: Database,
    make: Callable[[], Report],
    page: Callable[[str], str],
    gatekeepers: Sequence[str],
    now: datetime,
) -> None:
    """Write down of which agencies it is time to decide, and a letter to each gatekeeper.

    `make` gives the report of all agencies and is only asked where one may be due; `page` gives
    the address of an agency's page.
    """
    with database.read() as connection:
        names = notices.candidates(connection, NEW_UNTIL, now - NEW_FOR)
    if not names:
        return
    report = make()
    due = [one for one in report.agencies if one.name in names and is_settled(one, now)]
    with database.write() as connection:
        new = [
            one
            for one in due
            if notices.keep(
                connection, one.name, one.numbers.n, one.numbers.verdict, report.inputs, now
            )
        ]
        if new:
            body = _body(report, new, page)
            for address in gatekeepers:
                letters.write(connection, _key(new), address, _subject(new), body, now)


def _key(agencies: Sequence[Agency]) -> str:
    names = "\n".join(one.name for one in agencies)
    return f"onboarding:{hashlib.sha256(names.encode()).hexdigest()[:16]}"


def _subject(agencies: Sequence[Agency]) -> str:
    if len(agencies) > 1:
        return f"{len(agencies)} agencies are new no longer: time to decide"
    return f"{visible(agencies[0].name, 60)} is new no longer: time to decide"


def _body(report: Report, agencies: Sequence[Agency], page: Callable[[str], str]) -> str:
    return "\n\n".join(_about(report, one, page(one.name)) for one in agencies) + _END


def _about(report: Report, agency: Agency, page: str) -> str:
    of = agency.numbers
    lines = [
        f"{visible(agency.name, 120)}: {words.headline(agency)}",
        f"Advice: {of.verdict}. {words.confidence(report, of)}",
        *_list("Strengths", words.strengths(of)),
        *_list("To work on", words.to_work_on(of)),
        f"Their report, and where you decide: {page}",
    ]
    return "\n".join(lines)


def _list(title: str, found: Sequence[str]) -> list[str]:
    return [f"{title}: {'; '.join(found)}"] if found else []


_END = f"""

An agency is new until it has {NEW_UNTIL} submissions, or for {NEW_FOR.days} days.
This is said once of each. It is advice: nothing changes until somebody decides.
"""
