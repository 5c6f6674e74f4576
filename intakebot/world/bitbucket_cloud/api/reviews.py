"""Approve, request changes, take either back, decline. None of it is bound to a commit."""

from __future__ import annotations

from intakebot.world.bitbucket_cloud import pull_shapes, pulls
from intakebot.world.bitbucket_cloud.api.call import PULL, WRITE_PULL, Answer, Call, Route
from intakebot.world.bitbucket_cloud.moments import written
from intakebot.world.bitbucket_cloud.pull_state import Entry, Pull
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.shapes import Json, account
from intakebot.world.bitbucket_cloud.state import Repository

_GIVEN = {"approved": "approved", "changes_requested": "changes_request_created"}
_TAKEN = {"approved": "unapproved", "changes_requested": "changes_request_removed"}
_BODY = {"approved": "approval", "changes_requested": "changes_request"}
_ENTRY = {"approved": "approval", "changes_requested": "changes_requested"}


def approve(call: Call) -> Answer:
    return _give(call, "approved")


def request_changes(call: Call) -> Answer:
    return _give(call, "changes_requested")


def unapprove(call: Call) -> Answer:
    return _take(call, "approved")


def withdraw(call: Call) -> Answer:
    return _take(call, "changes_requested")


def _give(call: Call, opinion: str) -> Answer:
    repo = call.repo()
    pull = _open(call, repo)
    known = pulls.participating(call.site, pull, call.user)
    if known.opinion != opinion:
        known.opinion = opinion
        now = pull.updated_on = call.site.moments.next()
        known.participated_on = now
        pull.activity.append(Entry(_ENTRY[opinion], now, call.user))
        more = {_BODY[opinion]: _said(call, written(now))}
        pulls.announce(call.site, _GIVEN[opinion], repo, pull, call.user, **more)
    return Answer(200, pull_shapes.participant(call.view, known))


def _take(call: Call, opinion: str) -> Answer:
    repo = call.repo()
    pull = _open(call, repo)
    known = pull.participants.get(call.user)
    if known is None or known.opinion != opinion:
        raise Refusal(404, "You haven't approved this pull request.")
    known.opinion = None
    now = pull.updated_on = call.site.moments.next()
    more = {_BODY[opinion]: _said(call, written(now))}
    pulls.announce(call.site, _TAKEN[opinion], repo, pull, call.user, **more)
    return Answer(204)


def _said(call: Call, date: str) -> Json:
    return {"date": date, "user": account(call.view, call.user)}


def _open(call: Call, repo: Repository) -> Pull:
    pull = call.pull(repo)
    if pull.state != "OPEN":
        raise Refusal(400, f"This pull request is {pull.state.lower()}.")
    return pull


def decline(call: Call) -> Answer:
    repo = call.repo()
    pull = call.pull(repo)
    if pull.author != call.user:
        call.repo("write")
    if pull.state != "OPEN":
        raise Refusal(400, "This pull request is already closed.")
    body = call.body if isinstance(call.body, dict) else {}
    reason = str(body.get("message") or body.get("reason") or "")
    pulls.declined(call.site, repo, pull, call.user, reason)
    return Answer(200, pull_shapes.pull(call.view, repo, pull))


ROUTES = (
    Route("POST", f"{PULL}/approve", approve, WRITE_PULL),
    Route("DELETE", f"{PULL}/approve", unapprove, WRITE_PULL),
    Route("POST", f"{PULL}/request-changes", request_changes, WRITE_PULL),
    Route("DELETE", f"{PULL}/request-changes", withdraw, WRITE_PULL),
    Route("POST", f"{PULL}/decline", decline, WRITE_PULL),
)
