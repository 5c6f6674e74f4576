"""The JSON API: what the pages show, for programs (docs/api.md)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from flask import Blueprint, Response, abort, jsonify, request
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from intakebot.core import strict_json
from intakebot.core.strict_json import BadBody
from intakebot.model import ContributorError
from intakebot.store import incidents as incident_store
from intakebot.store import lanes, listing
from intakebot.store import pages as store
from intakebot.store.listing import PullLine
from intakebot.web import shapes
from intakebot.web.agencies import find_agency, report_or_not
from intakebot.web.body import read_json_bytes
from intakebot.web.front import front
from intakebot.web.openapi import DOCUMENT
from intakebot.web.pages import PULL, asked_filter, speak
from intakebot.web.view import checks_of, remember
from intakebot.web.visitor import Visitor, calling

MOST_PULLS = 500
RECENT = 50

api = Blueprint("api", __name__, url_prefix="/api")


class NewComment(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    text: Annotated[str, StringConstraints(min_length=1)]
    seen_head: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")] | None = None


@api.get("/pulls")
def pulls() -> Response:
    visitor = calling()
    with front().house.database.read() as connection:
        found = listing.list_pulls(
            connection,
            visitor.scope,
            asked_filter(),
            limit=MOST_PULLS,
        )
    return jsonify(pulls=[_line(visitor, line) for line in found])


@api.get(PULL)
def pull(repo: str, number: int) -> Response:
    visitor = calling()
    line = _find(visitor, repo, number)
    with front().house.database.read() as connection:
        known = remember(connection, line)
    checks = checks_of(front().house, known.evidence)
    return jsonify(shapes.pull(known, checks, with_problem=visitor.sees_all))


@api.post(f"{PULL}/comments")
def comment(repo: str, number: int) -> tuple[Response, int]:
    visitor = calling()
    line = _find(visitor, repo, number)
    said = _new_comment(read_json_bytes(request))
    try:
        made = speak(visitor, line, said.text, said.seen_head or "")
    except ContributorError as error:
        abort(400, str(error))
    return jsonify(id=made), 201


@api.get("/lanes/<path:repo>/<branch>")
def lane(repo: str, branch: str) -> Response:
    """Where the name ends and the branch begins is found by what there is."""
    _sees_all()
    with front().house.database.read() as connection:
        found = store.find_lane(connection, f"{repo}/{branch}")
        if found is None:
            abort(404)
        waiting = lanes.waiting(connection, found.id)
        landed = lanes.recent(connection, found.repo_id, found.branch, RECENT)
    return jsonify(
        repo=found.repo,
        branch=found.branch,
        problem=found.problem,
        waiting=[shapes.entry(row, place) for place, row in enumerate(waiting, 1)],
        landings=[shapes.landing(row) for row in landed],
    )


@api.get("/incidents")
def incidents() -> Response:
    _sees_all()
    with front().house.database.read() as connection:
        found = incident_store.recent(connection, RECENT)
    return jsonify(incidents=[shapes.incident(row) for row in found])


@api.get("/agencies")
def agencies() -> Response:
    """All for the team; an agency sees itself alone."""
    visitor = calling()
    if not visitor.sees_all and not visitor.agency:
        abort(404)
    report, _ = report_or_not()
    found = report.agencies if report is not None else ()
    mine = [one for one in found if visitor.sees_all or one.name == visitor.agency]
    return jsonify(agencies=[shapes.agency(one) for one in mine])


@api.get("/agencies/<path:name>")
def agency(name: str) -> Response:
    """Its numbers as `intakebot report --json` has them."""
    visitor = calling()
    if not (visitor.sees_all or visitor.agency == name):
        abort(404)
    report, _ = report_or_not()
    found = find_agency(report, name)
    if report is None or found is None:
        abort(404)
    from intakebot.report.build import as_json  # what counts takes a second to load

    return jsonify(as_json(replace(report, agencies=[found])))


@api.get("/openapi.json")
def openapi() -> Response:
    calling()
    return jsonify(DOCUMENT)


def _find(visitor: Visitor, repo: str, number: int) -> PullLine:
    with front().house.database.read() as connection:
        line = listing.find_pull(connection, visitor.scope, repo, number)
    if line is None:
        abort(404)
    return line


def _line(visitor: Visitor, line: PullLine) -> shapes.Json:
    """What is wrong on our side is for the people of the house alone."""
    shape = shapes.pull_line(line)
    return shape if visitor.sees_all else {**shape, "problem": ""}


def _sees_all() -> None:
    if not calling().sees_all:
        abort(404)


def _new_comment(body: bytes) -> NewComment:
    try:
        return NewComment.model_validate(strict_json.loads(body))
    except BadBody as error:
        abort(400, str(error))
    except ValidationError as error:
        faults = (
            f"{'.'.join(map(str, fault['loc'])) or 'the body'}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        abort(400, "; ".join(faults))
