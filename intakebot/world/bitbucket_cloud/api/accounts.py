"""Users, workspaces, projects, and who may do what where."""

from __future__ import annotations

from intakebot.world.bitbucket_cloud import permissions, shapes
from intakebot.world.bitbucket_cloud.api.call import (
    ADMIN_REPO,
    READ_PROJECT,
    READ_REPO,
    READ_USER,
    READ_WORKSPACE,
    REPO,
    Answer,
    Call,
    Route,
)
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.shapes import Json
from intakebot.world.bitbucket_cloud.state import LEVELS, Repository

_PLACE = "/workspaces/<workspace>"
_USERS = f"{REPO}/permissions-config/users"


def me(call: Call) -> Answer:
    return Answer(200, shapes.whole_account(call.view, call.user))


def user(call: Call) -> Answer:
    """By uuid or account id; nobody is found by nickname or e-mail."""
    name = call.args["selected_user"]
    found = call.state.user(name)
    if name not in (found.uuid, found.account_id):
        raise Refusal(404, f"No such user: {name}")
    return Answer(200, shapes.whole_account(call.view, found.uuid))


def workspace(call: Call) -> Answer:
    return Answer(200, shapes.workspace(call.view, call.state.workspace(call.args["workspace"])))


def members(call: Call) -> Answer:
    place = call.state.workspace(call.args["workspace"])
    shown = {"type": "workspace", "uuid": place.uuid, "slug": place.slug, "name": place.name}
    found = [
        {
            "type": "workspace_membership",
            "user": shapes.account(call.view, one),
            "workspace": shown,
            "links": {"self": call.view.link(f"/workspaces/{place.slug}/members/{one}")},
        }
        for one in place.members
    ]
    return call.page(found)


def projects(call: Call) -> Answer:
    place = call.state.workspace(call.args["workspace"])
    return call.page([shapes.project(call.view, one) for one in place.projects.values()])


def effective(call: Call) -> Answer:
    """The highest level of everybody who has one; for administrators of the repository."""
    repo = call.repo("admin")
    found = [
        _permission(call, repo, who, level)
        for who, level in permissions.members_with_access(call.state, repo)
    ]
    return call.filtered(found)


def _permission(call: Call, repo: Repository, who: str, level: str) -> Json:
    return {
        "type": "repository_permission",
        "permission": level,
        "user": shapes.account(call.view, who),
        "repository": shapes.short_repository(call.view, repo),
    }


def own(call: Call) -> Answer:
    """The caller's own levels in a workspace."""
    place = call.state.workspace(call.args["workspace"])
    found = []
    for repo in call.state.repositories.values():
        level = permissions.level(call.state, repo, call.who)
        if repo.workspace == place.uuid and level != "none":
            found.append(_permission(call, repo, call.user, level))
    return call.filtered(found)


def explicit(call: Call) -> Answer:
    """What is given to people by name; groups and ownership do not show here."""
    repo = call.repo("admin")
    return call.page([_grant(call, repo, who) for who in repo.grants])


def _grant(call: Call, repo: Repository, who: str) -> Json:
    path = f"/repositories/{call.state.full_name(repo)}/permissions-config/users/{who}"
    return {
        "type": "repository_user_permission",
        "permission": repo.grants.get(who, "none"),
        "user": shapes.account(call.view, who),
        "repository": shapes.short_repository(call.view, repo),
        "links": {"self": call.view.link(path)},
    }


def explicit_one(call: Call) -> Answer:
    repo = call.repo("admin")
    return Answer(200, _grant(call, repo, call.state.user(call.args["selected_user_id"]).uuid))


def grant(call: Call) -> Answer:
    repo = call.repo("admin")
    who = call.state.user(call.args["selected_user_id"]).uuid
    level = call.object.get("permission")
    if level not in LEVELS[1:]:
        raise Refusal(400, "permission: one of read, write, admin")
    repo.grants[who] = level
    return Answer(200, _grant(call, repo, who))


def revoke(call: Call) -> Answer:
    repo = call.repo("admin")
    repo.grants.pop(call.state.user(call.args["selected_user_id"]).uuid, None)
    return Answer(204)


ROUTES = (
    Route("GET", "/user", me, READ_USER),
    Route("GET", "/users/<selected_user>", user, READ_USER),
    Route("GET", _PLACE, workspace, READ_WORKSPACE),
    Route("GET", f"{_PLACE}/members", members, READ_WORKSPACE),
    Route("GET", f"{_PLACE}/projects", projects, READ_PROJECT),
    Route("GET", f"{_PLACE}/permissions/repositories/<repo_slug>", effective, READ_REPO),
    Route("GET", "/user/workspaces/<workspace>/permissions/repositories", own, READ_REPO),
    Route("GET", _USERS, explicit, ADMIN_REPO),
    Route("GET", f"{_USERS}/<selected_user_id>", explicit_one, ADMIN_REPO),
    Route("PUT", f"{_USERS}/<selected_user_id>", grant, ADMIN_REPO),
    Route("DELETE", f"{_USERS}/<selected_user_id>", revoke, ADMIN_REPO),
)
