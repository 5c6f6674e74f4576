"""The report as one page that needs nothing else: on a phone, in print, and without colour."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from intakebot.core.metrics.agency import FEW
from intakebot.report import figures, words
from intakebot.report.build import DEFINITIONS, Agency, Report
from intakebot.report.measures import measures, shown, shown_range

MOST_ROWS = 500  # of evidence for one agency; all are in the table that was given


def to_html(report: Report) -> str:
    every = [(agency.name, agency.numbers) for agency in report.agencies]
    return (
        _templates()
        .get_template("page.html")
        .render(
            **_common(report),
            shown=[_shown(report, agency) for agency in report.agencies],
            funnel=figures.funnel(report, every),
            period=words.period(report),
            standalone=True,
            style=Markup(style()),  # noqa: S704 - our own file
        )
    )


def section(report: Report, agency: Agency) -> Markup:
    """One agency's part alone, for a page that has the style already."""
    template = _templates().get_template("agency.html")
    one = _shown(report, agency)
    return Markup(template.render(**_common(report), one=one, standalone=False))  # noqa: S704


def notes(report: Report) -> Markup:
    """How to read it."""
    return Markup(_templates().get_template("notes.html").render(**_common(report)))  # noqa: S704


@cache
def style() -> str:
    return (files("intakebot.report") / "report.css").read_text("utf-8")


def _common(report: Report) -> Mapping[str, Any]:
    return {
        "report": report,
        "prior": words.prior(report.cohort),
        "exclusions": words.exclusions(report),
        "definitions": DEFINITIONS,
        "window": figures.WINDOW,
        "most": MOST_ROWS,
        "few": FEW,
        "value": shown,
        "range": shown_range,
    }


def _shown(report: Report, agency: Agency) -> Mapping[str, Any]:
    of = agency.numbers
    rows = list(measures(of, report))
    points = figures.curve_of(agency.rows[-MOST_ROWS:], report.cohort, report.targets)
    return {
        "agency": agency,
        "headline": words.headline(agency),
        "confidence": words.confidence(report, of),
        "means": words.MEANS[of.verdict],
        "mix": words.mix(of),
        "direction": words.direction(of),
        "incidents": words.incidents(of),
        "our_side": words.our_side(of),
        "worth_a_look": words.worth_a_look(of),
        "before": words.before(agency),
        "left_out": words.left_out(agency.excluded),
        "decided": words.decided(agency) if report.record else "",
        "split": figures.split(of.kept) if of.kept else "",
        "strengths": words.strengths(of),
        "to_work_on": words.to_work_on(of),
        "measures": rows,
        "dots": figures.dots(rows),
        "points": points,
        "curve": figures.curve(points, report.cohort),
    }


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("intakebot.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
