"""Build statuses of a commit: one for each key, a second one of the same key replaces it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from intakebot.world.bitbucket_cloud.api import commits
from intakebot.world.bitbucket_cloud.api.call import COMMIT, READ_REPO, Answer, Call, Route
from intakebot.world.bitbucket_cloud.moments import written
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.shapes import Json, View, short_commit, short_repository
from intakebot.world.bitbucket_cloud.state import Repository, Status

STATES = ("SUCCESSFUL", "FAILED", "INPROGRESS", "STOPPED")
LONGEST_KEY = 40
_ONE = f"{COMMIT}/statuses/build/<key>"


def status_shape(view: View, repo: Repository, one: Status) -> Json:
    name = view.state.full_name(repo)
    path = f"/repositories/{name}/commit/{one.commit}"
    return {
        "type": "build",
        "key": one.key,
        "state": one.state,
        "name": one.name,
        "description": one.description,
        "url": one.url,
        "refname": one.refname,
        "created_on": written(one.created_on),
        "updated_on": written(one.updated_on),
        "repository": short_repository(view, repo),
        "commit": short_commit(view, name, one.commit),
        "links": {
            "self": view.link(f"{path}/statuses/build/{one.key}"),
            "commit": view.link(path),
        },
    }


def listing(call: Call) -> Answer:
    repo = call.repo()
    oid = commits.find(call, repo)
    found = [
        status_shape(call.view, repo, one) for one in repo.statuses.values() if one.commit == oid
    ]
    refname = call.query.get("refname")
    if refname:
        found = [one for one in found if one["refname"] == refname]
    return call.filtered(found)


def show(call: Call) -> Answer:
    repo = call.repo()
    found = repo.statuses.get((commits.find(call, repo), call.args["key"]))
    if found is None:
        raise Refusal(404, "Build status not found")
    return Answer(200, status_shape(call.view, repo, found))


def write(call: Call) -> Answer:
    return Answer(201, _written(call, str(call.object.get("key", ""))))


def rewrite(call: Call) -> Answer:
    return Answer(200, _written(call, call.args["key"]))


def _written(call: Call, key: str) -> Json:
    repo, body = call.repo("write"), call.object
    oid = commits.find(call, repo)
    refused = call.site.choices.fork_statuses
    if refused != 201 and commits.foreign(call, repo, oid):
        raise Refusal(refused, "The commit is not in this repository.")
    if not key or len(key) > LONGEST_KEY:
        raise Refusal(400, f"key: from 1 to {LONGEST_KEY} characters")
    if body.get("state") not in STATES:
        raise Refusal(400, f"state: one of {', '.join(STATES)}")
    now = call.site.moments.next()
    known = repo.statuses.get((oid, key))
    status = _status(body, oid, key, now, known.created_on if known else now)
    repo.statuses[(oid, key)] = status
    shown = status_shape(call.view, repo, status)
    event = "repo:commit_status_updated" if known else "repo:commit_status_created"
    call.site.announce(event, repo, call.user, {"commit_status": shown})
    return shown


def _status(body: dict[str, Any], oid: str, key: str, now: datetime, first: datetime) -> Status:
    return Status(
        commit=oid,
        key=key,
        state=body["state"],
        created_on=first,
        updated_on=now,
        url=str(body.get("url") or ""),
        name=str(body.get("name") or ""),
        description=str(body.get("description") or ""),
        refname=body.get("refname"),
    )


ROUTES = (
    Route("GET", f"{COMMIT}/statuses", listing, READ_REPO),
    Route("POST", f"{COMMIT}/statuses/build", write, READ_REPO),
    Route("GET", _ONE, show, READ_REPO),
    Route("PUT", _ONE, rewrite, READ_REPO),
)
