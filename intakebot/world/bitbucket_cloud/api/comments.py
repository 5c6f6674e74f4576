"""Comments of a pull request: general, on a line, as an answer; deleted ones stay listed."""

from __future__ import annotations

from typing import Any

from intakebot.world.bitbucket_cloud import permissions, pull_shapes, pulls
from intakebot.world.bitbucket_cloud.api.call import (
    PULL,
    READ_PULL,
    WRITE_PULL,
    Answer,
    Call,
    Route,
)
from intakebot.world.bitbucket_cloud.pull_state import Entry, Pull, Remark
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.state import Repository

LONGEST = 32_768  # characters of a comment
_ONE = f"{PULL}/comments/<int:comment_id>"


def listing(call: Call) -> Answer:
    repo = call.repo()
    pull = call.pull(repo)
    said = [pull_shapes.remark(call.view, repo, pull, one) for one in pull.remarks.values()]
    return call.filtered(said)


def show(call: Call) -> Answer:
    repo = call.repo()
    pull = call.pull(repo)
    return Answer(200, pull_shapes.remark(call.view, repo, pull, _one(call, pull)))


def _one(call: Call, pull: Pull) -> Remark:
    found = pull.remarks.get(call.args["comment_id"])
    if found is None:
        raise Refusal(404, "Comment not found")
    return found


def _raw(call: Call) -> str:
    content = call.object.get("content")
    raw = content.get("raw") if isinstance(content, dict) else None
    if not isinstance(raw, str) or not raw.strip():
        raise Refusal(400, "content.raw: This field may not be blank.")
    if len(raw) > LONGEST:
        raise Refusal(400, f"content.raw: Ensure this value has at most {LONGEST} characters.")
    return raw


def write(call: Call) -> Answer:
    repo = call.repo()
    pull = call.pull(repo)
    raw, now = _raw(call), call.site.moments.next()
    inline, parent = _inline(call), _parent(call, pull)
    remark = Remark(
        call.site.state.number() + 100_000_000, call.user, raw, now, now, parent, inline
    )
    if inline is not None:
        remark.anchor = pulls.anchor(call.site, pull, inline)
        # A line that the diff lacks is taken all the same, and shown as outdated.
        remark.outdated = remark.anchor is None and bool(inline.get("to") or inline.get("from"))
    remark.pending = bool(call.object.get("pending", False))
    pull.remarks[remark.id] = remark
    pull.updated_on = now
    pulls.participating(call.site, pull, call.user)
    pull.activity.append(Entry("comment", now, call.user, comment=remark.id))
    return Answer(201, _announced(call, repo, pull, remark, "comment_created"))


def _inline(call: Call) -> dict[str, Any] | None:
    asked = call.object.get("inline")
    if asked is None:
        return None
    if not isinstance(asked, dict) or not isinstance(asked.get("path"), str):
        raise Refusal(400, "inline.path: This field is required.")
    return {key: value for key, value in asked.items() if value is not None}


def _parent(call: Call, pull: Pull) -> int | None:
    asked = call.object.get("parent")
    if asked is None:
        return None
    number = asked.get("id") if isinstance(asked, dict) else None
    if number not in pull.remarks:
        raise Refusal(404, "Parent comment not found")
    return int(number)


def _announced(call: Call, repo: Repository, pull: Pull, remark: Remark, event: str) -> Any:
    shown = pull_shapes.remark(call.view, repo, pull, remark)
    pulls.announce(call.site, event, repo, pull, call.user, comment=shown)
    return shown


def _own(call: Call, repo: Repository, pull: Pull, *, or_admin: bool = False) -> Remark:
    remark = _one(call, pull)
    admin = or_admin and permissions.level(call.state, repo, call.who) == "admin"
    if remark.user != call.user and not admin:
        raise Refusal(403, "You don't have permission to change this comment.")
    if remark.deleted:
        raise Refusal(404, "Comment not found")
    return remark


def edit(call: Call) -> Answer:
    repo = call.repo()
    pull = call.pull(repo)
    remark = _own(call, repo, pull)
    remark.raw = _raw(call)
    remark.updated_on = pull.updated_on = call.site.moments.next()
    return Answer(200, _announced(call, repo, pull, remark, "comment_updated"))


def delete(call: Call) -> Answer:
    repo = call.repo()
    pull = call.pull(repo)
    remark = _own(call, repo, pull, or_admin=True)
    remark.deleted = True
    remark.updated_on = pull.updated_on = call.site.moments.next()
    _announced(call, repo, pull, remark, "comment_deleted")
    return Answer(204)


def resolve(call: Call) -> Answer:
    repo = call.repo()
    pull = call.pull(repo)
    remark = _one(call, pull)
    if remark.parent is not None:
        raise Refusal(403, "Only a thread's first comment can be resolved.")
    if remark.resolved_by:
        raise Refusal(409, "The comment thread is already resolved.")
    remark.resolved_by, remark.resolved_on = call.user, call.site.moments.next()
    _announced(call, repo, pull, remark, "comment_resolved")
    return Answer(200, pull_shapes.resolution(call.view, remark))


def reopen(call: Call) -> Answer:
    repo = call.repo()
    pull = call.pull(repo)
    remark = _one(call, pull)
    if not remark.resolved_by:
        raise Refusal(404, "The comment thread is not resolved.")
    remark.resolved_by = remark.resolved_on = None
    _announced(call, repo, pull, remark, "comment_reopened")
    return Answer(204)


ROUTES = (
    Route("GET", f"{PULL}/comments", listing, READ_PULL),
    Route("POST", f"{PULL}/comments", write, WRITE_PULL),
    Route("GET", _ONE, show, READ_PULL),
    Route("PUT", _ONE, edit, WRITE_PULL),
    Route("DELETE", _ONE, delete, WRITE_PULL),
    Route("POST", f"{_ONE}/resolve", resolve, WRITE_PULL),
    Route("DELETE", f"{_ONE}/resolve", reopen, WRITE_PULL),
)
