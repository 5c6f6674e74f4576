"""A report from submissions: the same rows give the same report, in whatever order they come."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from intakebot.core.metrics.agency import Numbers, Targets, numbers_of, shape
from intakebot.core.metrics.cohort import LEAST, MOST, Cohort, cohort_of
from intakebot.core.metrics.table import COLUMNS, Submission, in_order
from intakebot.model import OperatorError

_CELLS = attrgetter(*COLUMNS)
SCHEMA, DEFINITIONS = 1, 1  # versions: of the JSON's form, of what the numbers mean


@dataclass(frozen=True, slots=True)
class Agency:
    name: str
    numbers: Numbers
    rows: Sequence[Submission]


@dataclass(frozen=True, slots=True)
class Report:
    """`agencies` by name. The cohort is of all rows, also where one agency alone is shown."""

    cohort: Cohort
    targets: Targets
    agencies: Sequence[Agency]
    inputs: str  # SHA-256 of the rows


def build(rows: Sequence[Submission], targets: Targets, only: str | None = None) -> Report:
    """Raises OperatorError where there is nothing to report on."""
    if not rows:
        raise OperatorError("there are no submissions, so there is nothing to report on")
    ordered = in_order(rows)
    by_agency: dict[str, list[Submission]] = {}
    for one in ordered:
        by_agency.setdefault(one.agency, []).append(one)
    if only is not None and only not in by_agency:
        raise OperatorError(
            f"there are no submissions of {only!r}; there are some of {', '.join(by_agency)}"
        )
    cohort = cohort_of(ordered)
    shown = [only] if only is not None else list(by_agency)
    agencies = [
        Agency(name, numbers_of(by_agency[name], cohort, targets), by_agency[name])
        for name in shown
    ]
    text = json.dumps([_CELLS(one) for one in ordered], ensure_ascii=False)
    return Report(cohort, targets, agencies, hashlib.sha256(text.encode()).hexdigest())


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
        "agencies": {one.name: shape(one.numbers) for one in report.agencies},
    }
