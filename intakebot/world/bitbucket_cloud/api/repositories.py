"""Repositories and forks: show, list, create, change, delete."""

from __future__ import annotations

from intakebot.world.bitbucket_cloud import making, permissions, shapes
from intakebot.world.bitbucket_cloud.api.call import (
    ADMIN_REPO,
    READ_REPO,
    REPO,
    WRITE_REPO,
    Answer,
    Call,
    Route,
)
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.state import LEVELS, Repository, Workspace

_ROLES = {"member": "read", "contributor": "write", "admin": "admin", "owner": "admin"}


def show(call: Call) -> Answer:
    return Answer(200, shapes.repository(call.view, call.repo()))


def listing(call: Call) -> Answer:
    """What the caller may see of a workspace; `role` narrows it to what they were given."""
    place = call.state.workspace(call.args["workspace"])
    needed = _ROLES.get(call.query.get("role", ""), "")
    found = [
        shapes.repository(call.view, one)
        for one in call.state.repositories.values()
        if one.workspace == place.uuid and _visible(call, one, needed)
    ]
    return call.filtered(found)


def _visible(call: Call, one: Repository, needed: str) -> bool:
    if call.token is None:
        return not one.is_private and not needed
    if needed and call.token.repository is None:
        given = permissions.granted(call.state, one, call.user)
        return permissions.at_least(given, needed)
    return permissions.level(call.state, one, call.token) != "none"


def change(call: Call) -> Answer:
    """Name (and with it the slug), privacy, fork policy, description, main branch."""
    repo, body = call.repo("admin"), call.object
    if "name" in body and body["name"] != repo.name:
        repo.name = str(body["name"])
        repo.slug = repo.name.lower().replace(" ", "-")
    repo.is_private = bool(body.get("is_private", repo.is_private))
    repo.fork_policy = str(body.get("fork_policy", repo.fork_policy))
    repo.description = str(body.get("description", repo.description))
    repo.mainbranch = str((body.get("mainbranch") or {}).get("name", repo.mainbranch))
    repo.updated_on = call.site.moments.next()
    return Answer(200, shapes.repository(call.view, repo))


def create(call: Call) -> Answer:
    place = call.state.workspace(call.args["workspace"])
    if place.members.get(call.user) not in ("owner", "collaborator"):
        raise Refusal(403, "You cannot create repositories in this workspace.")
    private = bool(call.object.get("is_private", True))
    repo = making.repository(call.site, place, call.args["repo_slug"], None, private=private)
    repo.grants[call.user] = "admin"
    return Answer(200, shapes.repository(call.view, repo))


def delete(call: Call) -> Answer:
    making.delete(call.site, call.repo("admin"))
    return Answer(204)


def forks(call: Call) -> Answer:
    """Those that the caller may read; main's administrators have no right to private ones."""
    repo = call.repo()
    found = [
        shapes.repository(call.view, one)
        for one in call.state.repositories.values()
        if one.parent == repo.uuid and _visible(call, one, "")
    ]
    return call.filtered(found)


def fork(call: Call) -> Answer:
    parent = call.repo()
    body = call.body if isinstance(call.body, dict) else {}
    named = body.get("workspace") or {}
    name = named.get("slug") or named.get("uuid")
    place = call.state.workspace(name) if name else _own_place(call)
    if place.members.get(call.user) not in ("owner", "collaborator"):
        raise Refusal(403, "You cannot create repositories in this workspace.")
    one = making.fork(
        call.site,
        parent,
        place,
        call.user,
        name=str(body.get("name") or ""),
        private=body.get("is_private"),
    )
    one.grants[call.user] = LEVELS[-1]
    return Answer(201, shapes.repository(call.view, one))


def _own_place(call: Call) -> Workspace:
    owned = (one for one in call.state.workspaces.values() if one.members.get(call.user) == "owner")
    found = next(owned, None)
    if found is None:
        raise Refusal(400, "workspace: This field is required.")
    return found


ROUTES = (
    Route("GET", "/repositories/<workspace>", listing, READ_REPO),
    Route("GET", REPO, show, READ_REPO),
    Route("POST", REPO, create, ADMIN_REPO),
    Route("PUT", REPO, change, ADMIN_REPO),
    Route("DELETE", REPO, delete, ADMIN_REPO),
    Route("GET", f"{REPO}/forks", forks, READ_REPO),
    Route("POST", f"{REPO}/forks", fork, WRITE_REPO),
)
