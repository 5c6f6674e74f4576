"""Branches over REST, commits of a branch, and where two revisions meet."""

from __future__ import annotations

from intakebot.world.bitbucket_cloud import commits, permissions, pushes, shapes
from intakebot.world.bitbucket_cloud.api.call import (
    READ_REPO,
    REPO,
    WRITE_REPO,
    Answer,
    Call,
    Route,
)
from intakebot.world.bitbucket_cloud.pre_receive import matches
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.shapes import STRATEGIES, Json
from intakebot.world.bitbucket_cloud.state import Repository

_ALL = f"{REPO}/refs/branches"
_ONE = f"{_ALL}/<path:name>"
_HEADS = "refs/heads/"


def _shape(call: Call, repo: Repository, name: str, oid: str) -> Json:
    full = call.state.full_name(repo)
    read = commits.read(call.site.disk, call.site.disk.pool, oid, most=1)
    path = f"/repositories/{full}"
    return {
        "type": "branch",
        "name": name,
        "target": shapes.commit(call.view, read[0], repo),
        "merge_strategies": list(STRATEGIES),
        "default_merge_strategy": repo.default_merge_strategy,
        "links": {
            "self": call.view.link(f"{path}/refs/branches/{name}"),
            "commits": call.view.link(f"{path}/commits/{name}"),
            "html": call.view.page(f"/{full}/branch/{name}"),
        },
    }


def listing(call: Call) -> Answer:
    repo = call.repo()
    heads = {
        ref.removeprefix(_HEADS): oid for ref, oid in repo.refs.items() if ref.startswith(_HEADS)
    }
    return call.filtered([_shape(call, repo, name, oid) for name, oid in heads.items()])


def _tip(repo: Repository, name: str) -> str:
    if _HEADS + name not in repo.refs:
        raise Refusal(404, f"Branch {name} not found")
    return repo.refs[_HEADS + name]


def show(call: Call) -> Answer:
    repo, name = call.repo(), call.args["name"]
    return Answer(200, _shape(call, repo, name, _tip(repo, name)))


def _allowed(call: Call, repo: Repository, kinds: tuple[str, ...], name: str) -> None:
    closed = permissions.closed_to(call.state, repo, call.user)
    if any(kind in kinds and matches(pattern, name) for kind, pattern in closed):
        raise Refusal(403, f"Branch restrictions forbid this for {name}.")


def create(call: Call) -> Answer:
    repo, body = call.repo("write"), call.object
    name = str(body.get("name") or "").removeprefix(_HEADS)
    target = str((body.get("target") or {}).get("hash") or "")
    disk = call.site.disk
    oid = commits.resolve(disk, disk.path(repo.uuid), target, repo.refs)
    if not name or oid is None:
        raise Refusal(400, "name, target.hash: a new name and a commit of this repository")
    if _HEADS + name in repo.refs:
        raise Refusal(400, f'Branch "{name}" already exists.')
    _allowed(call, repo, ("push",), name)
    disk.run(disk.path(repo.uuid), "update-ref", _HEADS + name, oid, "0" * 40)
    pushes.notice(call.site, repo, call.user)
    return Answer(201, _shape(call, repo, name, oid))


def delete(call: Call) -> Answer:
    repo, name = call.repo("write"), call.args["name"]
    oid = _tip(repo, name)
    if name == repo.mainbranch:
        raise Refusal(400, "The main branch can't be deleted.")
    _allowed(call, repo, ("push", "delete"), name)
    disk = call.site.disk
    disk.run(disk.path(repo.uuid), "update-ref", "-d", _HEADS + name, oid)
    pushes.notice(call.site, repo, call.user)
    return Answer(204)


def history(call: Call) -> Answer:
    repo, disk = call.repo(), call.site.disk
    name = call.args["revision"]
    oid = commits.resolve(disk, disk.path(repo.uuid), name, repo.refs)
    if oid is None:
        raise Refusal(404, f"Commit not found: {name}")
    found = commits.read(disk, disk.path(repo.uuid), oid)
    return call.page([shapes.commit(call.view, one, repo) for one in found], usual=30)


def meeting(call: Call) -> Answer:
    """`REVISION..REVISION`"""
    repo, disk = call.repo(), call.site.disk
    ends = call.args["revspec"].split("..")
    found = [commits.resolve(disk, disk.path(repo.uuid), one, repo.refs) for one in ends]
    if len(found) != 2 or found[0] is None or found[1] is None:
        raise Refusal(404, "Commit not found")
    base = commits.merge_base(disk, found[0], found[1])
    if base is None:
        raise Refusal(404, "No common ancestor")
    read = commits.read(disk, disk.pool, base, most=1)
    return Answer(200, shapes.commit(call.view, read[0], repo))


ROUTES = (
    Route("GET", _ALL, listing, READ_REPO),
    Route("POST", _ALL, create, WRITE_REPO),
    Route("GET", _ONE, show, READ_REPO),
    Route("DELETE", _ONE, delete, WRITE_REPO),
    Route("GET", f"{REPO}/commits/<path:revision>", history, READ_REPO),
    Route("GET", f"{REPO}/merge-base/<path:revspec>", meeting, READ_REPO),
)
