"""A report from submissions: the same rows give the same report, in whatever order they come."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

from intakebot.core.metrics.agency import FEW, LAST, Numbers, numbers_of, shape
from intakebot.core.metrics.cohort import LEAST, MOST, Cohort, cohort_of
from intakebot.core.metrics.kept import trespasses_of
from intakebot.core.metrics.past import PastTotal
from intakebot.core.metrics.stories import Trespass
from intakebot.core.metrics.table import COLUMNS, Seen, Submission, in_order
from intakebot.core.metrics.targets import Targets
from intakebot.model import OperatorError

_CELLS = attrgetter(*COLUMNS)
_SEEN = attrgetter(*Seen.__slots__)
SCHEMA, DEFINITIONS = 1, 1  # versions: of the JSON's form, of what the numbers mean


@dataclass(frozen=True, slots=True)
class Decision:
    """Of a named person, with what the report advised then."""

    verdict: str
    reason: str
    advice: str
    inputs: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Remark:
    """What an agency says of its own report."""

    text: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """What the house has beside the submissions. `excluded` counts by agency and reason; the rest
    is by agency, oldest first."""

    as_of: datetime
    since: datetime | None = None
    trespasses: Sequence[Trespass] = ()
    excluded: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    decisions: Mapping[str, Sequence[Decision]] = field(default_factory=dict)
    remarks: Mapping[str, Sequence[Remark]] = field(default_factory=dict)
    past: Mapping[str, PastTotal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Agency:
    """One agency, or one person where a report is about a person."""

    name: str
    numbers: Numbers
    rows: Sequence[Submission]
    excluded: Mapping[str, int] = field(default_factory=dict)
    decisions: Sequence[Decision] = ()
    remarks: Sequence[Remark] = ()
    past: PastTotal | None = None  # of before the house looked


@dataclass(frozen=True, slots=True)
class Report:
    """`agencies` by name. The cohort is of all rows, also where one agency alone is shown.
    `record` is None where a table was given."""

    cohort: Cohort
    targets: Targets
    agencies: Sequence[Agency]
    inputs: str  # SHA-256 of the rows
    record: Record | None = None


def build(
    rows: Sequence[Submission],
    targets: Targets,
    only: str | None = None,
    record: Record | None = None,
    person: tuple[str, str] | None = None,
) -> Report:
    """`person` is who alone is shown: as the rows name them, and as the report shall.

    Raises OperatorError where there is nothing to report on.
    """
    if not rows:
        raise OperatorError(_nothing(record))
    ordered = in_order(rows)
    by_agency: dict[str, list[Submission]] = {}
    for one in ordered:
        by_agency.setdefault(one.agency, []).append(one)
    cohort = cohort_of(ordered)
    if person is not None:
        agencies = [_person(ordered, cohort, targets, record, person)]
    else:
        agencies = [
            _agency(name, by_agency[name], cohort, targets, record)
            for name in _shown(by_agency, only)
        ]
    return Report(cohort, targets, agencies, _digest(ordered), record)


def _nothing(record: Record | None) -> str:
    if record is None:
        return "there are no submissions, so there is nothing to report on"
    excluded = sum(sum(reasons.values()) for reasons in record.excluded.values())
    since = f" since {record.since:%Y-%m-%d}" if record.since else ""
    return (
        f"no pull request of a contributor has had a complete verdict{since} yet, so there is "
        f"nothing to report on; {excluded} left out"
    )


def _shown(by_agency: Mapping[str, Sequence[Submission]], only: str | None) -> list[str]:
    if only is None:
        return list(by_agency)
    if only not in by_agency:
        raise OperatorError(
            f"there are no submissions of {only!r}; there are some of {', '.join(by_agency)}"
        )
    return [only]


def _agency(
    name: str,
    rows: Sequence[Submission],
    cohort: Cohort,
    targets: Targets,
    record: Record | None,
) -> Agency:
    if record is None:
        return Agency(name, numbers_of(rows, cohort, targets), rows)
    found = [one for one in record.trespasses if one.agency == name]
    numbers = numbers_of(rows, cohort, targets, trespasses_of(found, rows, LAST))
    return Agency(
        *(name, numbers, rows, record.excluded.get(name, {})),
        *(record.decisions.get(name, ()), record.remarks.get(name, ()), record.past.get(name)),
    )


def _person(
    ordered: Sequence[Submission],
    cohort: Cohort,
    targets: Targets,
    record: Record | None,
    person: tuple[str, str],
) -> Agency:
    """In the order of time: one person may have worked for several."""
    key, name = person
    rows = [one for one in ordered if one.person == key]
    if len(rows) < FEW:
        raise OperatorError(
            f"{name} has {len(rows)} submission{'' if len(rows) == 1 else 's'}; "
            f"nothing is told of one person below {FEW}"
        )
    rows.sort(key=lambda one: (one.seen is not None and one.seen.at, one.seq))
    found = [one for one in (record.trespasses if record else ()) if one.person == key]
    return Agency(name, numbers_of(rows, cohort, targets, trespasses_of(found, rows, LAST)), rows)


def _digest(ordered: Sequence[Submission]) -> str:
    text = json.dumps([_CELLS(one) for one in ordered], ensure_ascii=False)
    seen = "".join(repr(_SEEN(one.seen)) for one in ordered if one.seen is not None)
    return hashlib.sha256((text + seen).encode()).hexdigest()


def as_json(report: Report) -> Mapping[str, Any]:
    """docs/report.md names every key."""
    return {
        "schema": SCHEMA,
        "definitions": DEFINITIONS,
        "inputs": report.inputs,
        "thresholds": {"ready": report.targets.ready, "risk": report.targets.risk},
        "prior": {
            "mean": round(report.cohort.prior, 4),
            "worth": report.cohort.worth,
            "bounds": [LEAST, MOST],
            "fixed": report.cohort.is_fixed,
        },
        "cohort": {
            "n": report.cohort.n,
            "first_pass_pooled": round(report.cohort.mean, 4),
            "eb_concentration": report.cohort.worth,
            "ready_target": report.targets.ready,
            "risk_target": report.targets.risk,
        },
        "agencies": {one.name: _shape(one) for one in report.agencies},
        **(_period(report.record) if report.record else {}),
    }


def _period(record: Record) -> Mapping[str, Any]:
    since = record.since.isoformat() if record.since else None
    return {"as_of": record.as_of.isoformat(), "since": since}


def _shape(agency: Agency) -> Mapping[str, Any]:
    shown: dict[str, Any] = shape(agency.numbers)
    if agency.numbers.kept is not None:
        shown["excluded"] = dict(sorted(agency.excluded.items()))
        shown["decisions"] = [_dated(asdict(one)) for one in agency.decisions]
        if agency.past is not None:
            shown["past"] = {**asdict(agency.past), "since": agency.past.since.isoformat()}
        shown["remarks"] = [_dated(asdict(one)) for one in agency.remarks]
    return shown


def _dated(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "at": values["at"].isoformat()}
