"""Code Insights: a report of a commit, and its annotations within the product's limits."""

from __future__ import annotations

from typing import Any

from intakebot.world.bitbucket_cloud.api import commits
from intakebot.world.bitbucket_cloud.api.call import COMMIT, READ_REPO, Answer, Call, Route
from intakebot.world.bitbucket_cloud.moments import written
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.shapes import Json
from intakebot.world.bitbucket_cloud.state import Report, Repository

MOST_A_REQUEST, MOST_A_REPORT, MOST_DATA = 100, 1_000, 10
_ALL = f"{COMMIT}/reports"
_ONE = f"{_ALL}/<report_id>"
_FIELDS = ("title", "details", "report_type", "reporter", "link", "logo_url", "result", "data")
_NOTE_FIELDS = (
    "annotation_type", "summary", "details", "severity", "result", "path", "line", "link",
)  # fmt: skip


def _shape(one: Report) -> Json:
    return {
        "type": "report",
        "uuid": one.uuid,
        "external_id": one.external_id,
        "created_on": written(one.created_on),
        "updated_on": written(one.updated_on),
        **one.fields,
    }


def listing(call: Call) -> Answer:
    repo = call.repo()
    oid = commits.find(call, repo)
    return call.page([_shape(one) for (at, _), one in repo.reports.items() if at == oid])


def write(call: Call) -> Answer:
    """Creates or replaces; the annotations stay."""
    repo, body = call.repo("write"), call.object
    oid = commits.find(call, repo)
    _refuse_foreign(call, repo, oid)
    if not body.get("title") or not body.get("details"):
        raise Refusal(400, "title, details: these fields are required")
    if len(body.get("data") or ()) > MOST_DATA:
        raise Refusal(400, f"data: at most {MOST_DATA}")
    key, now = (oid, call.args["report_id"]), call.site.moments.next()
    one = repo.reports.get(key)
    if one is None:
        one = Report(call.site.state.new_uuid(), call.args["report_id"], {}, now, now)
        repo.reports[key] = one
    one.fields = {name: body[name] for name in _FIELDS if name in body}
    one.updated_on = now
    return Answer(200, _shape(one))


def _refuse_foreign(call: Call, repo: Repository, oid: str) -> None:
    refused = call.site.choices.fork_statuses
    if refused != 201 and commits.foreign(call, repo, oid):
        raise Refusal(refused, "The commit is not in this repository.")


def _known(call: Call, needed: str) -> Report:
    """By the caller's own id of it, or by its uuid."""
    repo = call.repo(needed)
    oid, name = commits.find(call, repo), call.args["report_id"]
    for (at, _), one in repo.reports.items():
        if at == oid and name in (one.external_id, one.uuid):
            return one
    raise Refusal(404, "Report not found")


def show(call: Call) -> Answer:
    return Answer(200, _shape(_known(call, "read")))


def delete(call: Call) -> Answer:
    one, repo = _known(call, "write"), call.repo("write")
    repo.reports = {key: kept for key, kept in repo.reports.items() if kept is not one}
    return Answer(204)


def notes(call: Call) -> Answer:
    return call.page(list(_known(call, "read").annotations.values()))


def annotate(call: Call) -> Answer:
    one, asked = _known(call, "write"), call.body
    if not isinstance(asked, list) or not 1 <= len(asked) <= MOST_A_REQUEST:
        raise Refusal(400, f"from 1 to {MOST_A_REQUEST} annotations in a request")
    ids = [str(note.get("external_id") or "") for note in asked]
    if not all(ids) or len(set(ids)) != len(ids):
        raise Refusal(400, "external_id: needed, and unique")
    if len(one.annotations.keys() | set(ids)) > MOST_A_REPORT:
        raise Refusal(400, f"at most {MOST_A_REPORT} annotations in a report")
    if not all(note.get("annotation_type") and note.get("summary") for note in asked):
        raise Refusal(400, "annotation_type, summary: these fields are required")
    made = [_annotation(call, one, note) for note in asked]
    one.annotations.update((note["external_id"], note) for note in made)
    return Answer(200, made)


def _annotation(call: Call, one: Report, asked: dict[str, Any]) -> Json:
    now = written(call.site.moments.next())
    known = one.annotations.get(asked["external_id"], {})
    return {
        "type": "report_annotation",
        "uuid": known.get("uuid") or call.site.state.new_uuid(),
        "external_id": asked["external_id"],
        "created_on": known.get("created_on", now),
        "updated_on": now,
        **{name: asked[name] for name in _NOTE_FIELDS if name in asked},
    }


ROUTES = (
    Route("GET", _ALL, listing, READ_REPO),
    Route("PUT", _ONE, write, READ_REPO),
    Route("GET", _ONE, show, READ_REPO),
    Route("DELETE", _ONE, delete, READ_REPO),
    Route("GET", f"{_ONE}/annotations", notes, READ_REPO),
    Route("POST", f"{_ONE}/annotations", annotate, READ_REPO),
)
