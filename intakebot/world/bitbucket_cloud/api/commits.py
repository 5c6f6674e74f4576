"""One commit by (short) hash, and what people say about it."""

from __future__ import annotations

from intakebot.world.bitbucket_cloud import commits, shapes
from intakebot.world.bitbucket_cloud.api.call import (
    COMMIT,
    READ_REPO,
    Answer,
    Call,
    Route,
)
from intakebot.world.bitbucket_cloud.moments import written
from intakebot.world.bitbucket_cloud.pull_state import Remark
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.shapes import Json
from intakebot.world.bitbucket_cloud.state import Repository


def find(call: Call, repo: Repository) -> str:
    """The full id of the commit of the path: in the repository, or the head of one of its pulls."""
    name, disk = call.args["commit"], call.site.disk
    oid = commits.resolve(disk, disk.path(repo.uuid), name, repo.refs)
    if oid is not None and commits.holds(disk, disk.path(repo.uuid), oid):
        return oid
    if call.site.choices.fork_commits == 200:
        found = (p.source_commit for p in repo.pulls.values() if p.source_commit.startswith(name))
        oid = next(found, None) if len(name) >= 7 else None
        if oid is not None:
            return oid
    raise Refusal(404, f"Commit not found: {name}")


def foreign(call: Call, repo: Repository, oid: str) -> bool:
    """Whether the commit lives only in a fork."""
    return not commits.holds(call.site.disk, call.site.disk.path(repo.uuid), oid)


def show(call: Call) -> Answer:
    repo = call.repo()
    oid = find(call, repo)
    read = commits.read(call.site.disk, call.site.disk.pool, oid, most=1)
    return Answer(200, shapes.commit(call.view, read[0], repo))


def listing(call: Call) -> Answer:
    repo = call.repo()
    oid = find(call, repo)
    said = [one for one in repo.commit_comments.values() if one.commit == oid]
    return call.filtered([_shape(call, repo, one) for one in said])


def write(call: Call) -> Answer:
    repo = call.repo()
    oid, now = find(call, repo), call.site.moments.next()
    content = call.object.get("content")
    raw = content.get("raw") if isinstance(content, dict) else None
    if not isinstance(raw, str) or not raw.strip():
        raise Refusal(400, "content.raw: This field may not be blank.")
    number = call.site.state.number() + 100_000_000
    remark = Remark(number, call.user, raw, now, now, commit=oid)
    remark.inline = call.object.get("inline")
    repo.commit_comments[number] = remark
    shown = _shape(call, repo, remark)
    short = shapes.short_commit(call.view, call.state.full_name(repo), oid)
    body = {"comment": shown, "commit": short}
    call.site.announce("repo:commit_comment_created", repo, call.user, body)
    return Answer(201, shown)


def _shape(call: Call, repo: Repository, said: Remark) -> Json:
    name = call.state.full_name(repo)
    path = f"/repositories/{name}/commit/{said.commit}/comments/{said.id}"
    shown: Json = {
        "type": "commit_comment",
        "id": said.id,
        "content": shapes.text(said.raw),
        "user": shapes.account(call.view, said.user),
        "created_on": written(said.created_on),
        "updated_on": written(said.updated_on),
        "deleted": said.deleted,
        "commit": shapes.short_commit(call.view, name, said.commit),
        "links": {"self": call.view.link(path)},
    }
    return shown | ({"inline": said.inline} if said.inline else {})


ROUTES = (
    Route("GET", COMMIT, show, READ_REPO),
    Route("GET", f"{COMMIT}/comments", listing, READ_REPO),
    Route("POST", f"{COMMIT}/comments", write, READ_REPO),
)
