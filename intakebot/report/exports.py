"""The report as Markdown, as a table of measures, and as text for JSON. Same rows, same bytes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence

from intakebot.core import escape
from intakebot.report import words
from intakebot.report.build import DEFINITIONS, Report, as_json
from intakebot.report.measures import measures, shown, shown_range

COLUMNS = (
    *("agency", "person_pseudonym", "metric", "period", "n", "x", "value", "lo", "hi", "method"),
    *("excluded", "definitions_version"),
)


def to_json(report: Report) -> str:
    return json.dumps(as_json(report), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def rows(report: Report) -> Iterator[Sequence[str | int | float | None]]:
    """One for each measure of each agency, with COLUMNS; None where there is nothing."""
    for agency in report.agencies:
        for one in measures(agency.numbers, report):
            low, high = one.interval if one.interval and one.n else (None, None)
            yield (
                *(agency.name, None, one.id, None, one.n, one.x, _places(one.value)),
                *(_places(low), _places(high), one.method, one.excluded, DEFINITIONS),
            )


def to_csv(report: Report) -> str:
    """RFC 4180, but `\\n`. A `'` stands before what a sheet would compute."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows(report):
        writer.writerow([escape.sheet_cell(one) if isinstance(one, str) else one for one in row])
    return out.getvalue()


def to_markdown(report: Report) -> str:
    parts = ["# Contributor report", *([words.period(report)] if report.record else [])]
    for agency in report.agencies:
        of = agency.numbers
        parts.append(f"## {escape.text(agency.name)}: {of.verdict}")
        parts.append(f"{words.headline(agency)} {words.confidence(report, of)}")
        parts.append(words.MEANS[of.verdict])
        told = [words.direction(of), words.mix(of), words.incidents(of), words.our_side(of)]
        told += [words.worth_a_look(of), words.left_out(agency.excluded), words.before(agency)]
        parts += [line for line in told if line]
        if report.record is not None:
            parts.append(escape.text(words.decided(agency)))
            parts += [f"They say: {escape.text(one.text)}" for one in agency.remarks[-1:]]
        parts += _list("Strengths", words.strengths(of))
        parts += _list("To work on", words.to_work_on(of))
        rows = ["| | | plausible | of | |", "|---|---:|---:|---:|---|"]
        for one in measures(of, report):
            counts = "" if one.x is None else f"{one.x} of {one.n}"
            name = escape.text(one.title)
            rows.append(
                f"| {name} | {shown(one)} | {shown_range(one)} | {counts} | {escape.text(one.id)} |"
            )
        parts.append("\n".join(rows))
    parts += [words.prior(report.cohort), *words.exclusions(report)]
    parts.append("This is advice. A named person decides, with a reason.")
    return "\n\n".join(parts) + "\n"


def _list(title: str, lines: list[str]) -> list[str]:
    return ["\n".join([f"{title}:", "", *(f"- {escape.text(line)}" for line in lines)])] * bool(
        lines
    )


def _places(value: float | None) -> float | None:
    return None if value is None else round(value, 4) + 0.0
