"""Agencies and how well they do: all of them, one, what is decided and what they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from intakebot.core.roster import may_decide
from intakebot.model import Group, OperatorError
from intakebot.store import assessments, people
from intakebot.web.front import front
from intakebot.web.pages import visiting
from intakebot.web.shown import page
from intakebot.web.visitor import Visitor, refuse_forged_forms, signed_in

if TYPE_CHECKING:
    from intakebot.report.build import Agency, Report

VERDICTS = ("ready", "coaching", "at risk", "let go")
LONGEST = 2_000  # characters of a reason or a remark
FORMATS: Mapping[str, tuple[str, str]] = {  # what makes it, and its media type
    "html": ("intakebot.report.html:to_html", "text/html"),
    "json": ("intakebot.report.exports:to_json", "application/json"),
    "csv": ("intakebot.report.exports:to_csv", "text/csv"),
    "md": ("intakebot.report.exports:to_markdown", "text/markdown"),
}

agencies = Blueprint("agencies", __name__)


@dataclass(frozen=True, slots=True)
class Line:
    """One agency of the list; `agency` is None where nothing came from it yet."""

    name: str
    people: int
    agency: Agency | None
    headline: str


@agencies.get("/agencies")
@signed_in
def listed() -> ResponseReturnValue:
    visitor = visiting()
    if not visitor.sees_all:
        if visitor.agency:
            return redirect(url_for("agencies.one", name=visitor.agency))
        abort(404)
    report, why = report_or_not()
    return page("agencies.html", lines=_lines(report), why=why, report=report)


@agencies.get("/agency")
@signed_in
def one() -> ResponseReturnValue:
    name = _asked(request.args.get("name", ""))
    return _page(name)


@agencies.get("/agency/report")
@signed_in
def download() -> ResponseReturnValue:
    name = _asked(request.args.get("name", ""))
    kind = request.args.get("format", "html")
    if kind not in FORMATS:
        abort(400, f"The formats are {', '.join(FORMATS)}.")
    report, why = report_or_not()
    agency = find_agency(report, name)
    if report is None or agency is None:
        abort(404, why or "Nothing came from this agency yet.")
    place, media = FORMATS[kind]
    module, _, function = place.partition(":")
    render = cast("Callable[[Report], str]", getattr(import_module(module), function))
    answer = Response(render(replace(report, agencies=[agency])), mimetype=media)
    # A file to keep: shown in place, its own style would be refused.
    answer.headers["Content-Disposition"] = f'attachment; filename="report.{kind}"'
    return answer


@agencies.get("/report.css")
def style() -> Response:
    from intakebot.report.html import style as text

    return Response(text(), mimetype="text/css", headers={"Cache-Control": "max-age=3600"})


@agencies.post("/agency/decision")
@signed_in
def decide() -> ResponseReturnValue:
    refuse_forged_forms()
    visitor = visiting()
    if not may_decide(visitor.person):
        abort(403, "Owners, maintainers and managers decide about agencies.")
    name = _asked(request.form.get("name", ""))
    verdict, reason = request.form.get("verdict", ""), _text("reason")
    if verdict not in VERDICTS or not reason:
        return _page(name, problem="Choose what you decide, and write the reason."), 400
    report, _ = report_or_not()
    agency = find_agency(report, name)
    with front().house.database.write() as connection:
        assessments.decide(
            connection,
            name,
            verdict=verdict,
            reason=reason,
            advice=agency.numbers.verdict if agency else "not enough evidence",
            inputs=report.inputs if report else "",
            by=_named(visitor),
            at=front().house.now(),
        )
    front().reports.forget()
    return redirect(url_for("agencies.one", name=name, _anchor="decision"))


@agencies.post("/agency/remark")
@signed_in
def remark() -> ResponseReturnValue:
    refuse_forged_forms()
    visitor = visiting()
    name = _asked(request.form.get("name", ""))
    if visitor.agency != name:
        abort(403, "This is for the people of the agency.")
    text = _text("text")
    if not text:
        return _page(name, problem="Write something first."), 400
    with front().house.database.write() as connection:
        at = front().house.now()
        assessments.remark(connection, name, text=text, by=_named(visitor), at=at)
    front().reports.forget()
    return redirect(url_for("agencies.one", name=name, _anchor="remarks"))


def _asked(name: str) -> str:
    """The agency's name, where this visitor may see it; others' is as if it did not exist."""
    visitor = visiting()
    if not name or not (visitor.sees_all or visitor.agency == name):
        abort(404)
    if name not in _names() and find_agency(report_or_not()[0], name) is None:
        abort(404)
    return name


def _page(name: str, problem: str = "") -> str:
    from intakebot.report import words
    from intakebot.report.html import notes, section

    visitor = visiting()
    report, why = report_or_not()
    agency = find_agency(report, name)
    return page(
        "agency.html",
        name=name,
        agency=agency,
        why=why,
        headline=words.headline(agency) if agency else "",
        confidence=words.confidence(report, agency.numbers) if report and agency else "",
        section=section(report, agency) if report and agency else "",
        notes=notes(report) if report and agency and visitor.sees_all else "",
        verdicts=VERDICTS,
        formats=list(FORMATS),
        may_decide=may_decide(visitor.person),
        may_remark=visitor.agency == name,
        longest=LONGEST,
        problem=problem,
    )


def report_or_not() -> tuple[Report | None, str]:
    """Or why there is none."""
    try:
        return front().reports.now(), ""
    except OperatorError as error:
        return None, str(error)


def find_agency(report: Report | None, name: str) -> Agency | None:
    found = (one for one in report.agencies if one.name == name) if report else ()
    return next(iter(found), None)


def _names() -> Mapping[str, int]:
    """Agencies of the roster, with how many people each has there."""
    with front().house.database.read() as connection:
        roster = people.everybody(connection)
    found: dict[str, int] = {}
    for member in roster:
        if member.group is Group.AGENCY and member.agency:
            found[member.agency] = found.get(member.agency, 0) + 1
    return found


def _lines(report: Report | None) -> Sequence[Line]:
    from intakebot.report.words import headline

    on_roster = _names()
    seen = {one.name: one for one in report.agencies} if report else {}
    return [
        Line(
            name,
            on_roster.get(name, 0),
            seen.get(name),
            headline(seen[name]) if name in seen else "Nothing came from them yet.",
        )
        for name in sorted({*on_roster, *seen}, key=str.casefold)
    ]


def _text(field: str) -> str:
    text = request.form.get(field, "").replace("\r\n", "\n").replace("\0", "").strip()
    return text[:LONGEST]


def _named(visitor: Visitor) -> str:
    """Under the name of the roster: a decision is a named person's."""
    account = visitor.person.account
    with front().house.database.read() as connection:
        person = people.linked(connection, visitor.forge, account.id)
        names = {member.id: member.name for member in people.everybody(connection)}
    return names.get(person, account.display) if person is not None else account.display
