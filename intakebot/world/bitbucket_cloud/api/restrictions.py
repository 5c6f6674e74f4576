"""Branch restrictions: list, create, show, change, delete; one of a kind for a pattern."""

from __future__ import annotations

from typing import Any

from intakebot.world.bitbucket_cloud import shapes
from intakebot.world.bitbucket_cloud.api.call import ADMIN_REPO, REPO, Answer, Call, Route
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.shapes import Json
from intakebot.world.bitbucket_cloud.state import Repository, Restriction

WITH_PEOPLE = ("push", "restrict_merges")
_KINDS = {
    *WITH_PEOPLE,
    "delete",
    "force",
    "require_tasks_to_be_completed",
    "require_approvals_to_merge",
    "require_review_group_approvals_to_merge",
    "require_default_reviewer_approvals_to_merge",
    "require_no_changes_requested",
    "require_passing_builds_to_merge",
    "require_commits_behind",
    "reset_pullrequest_approvals_on_change",
    "smart_reset_pullrequest_approvals",
    "reset_pullrequest_changes_requested_on_change",
    "require_all_dependencies_merged",
    "require_all_comments_resolved",
}
_PREMIUM = {"enforce_merge_checks", "allow_auto_merge_when_builds_pass"}
_ALL = f"{REPO}/branch-restrictions"
_ONE = f"{_ALL}/<int:id>"


def _shape(call: Call, repo: Repository, rule: Restriction) -> Json:
    path = f"/repositories/{call.state.full_name(repo)}/branch-restrictions/{rule.id}"
    groups = call.state.workspaces[repo.workspace].groups
    shown: Json = {
        "type": "branchrestriction",
        "id": rule.id,
        "kind": rule.kind,
        "branch_match_kind": rule.branch_match_kind,
        "pattern": rule.pattern,
        "value": rule.value,
        "users": [shapes.account(call.view, user) for user in rule.users],
        "groups": [
            {"type": "group", "slug": slug, "name": groups[slug].name}
            for slug in rule.groups
            if slug in groups
        ],
        "links": {"self": call.view.link(path)},
    }
    return shown | ({"branch_type": rule.branch_type} if rule.branch_type else {})


def listing(call: Call) -> Answer:
    repo = call.repo("admin")
    found = [_shape(call, repo, rule) for rule in repo.restrictions.values()]
    for name in ("kind", "pattern"):
        wanted = call.query.get(name)
        found = [one for one in found if wanted in (None, one[name])]
    return call.page(found)


def create(call: Call) -> Answer:
    repo, body = call.repo("admin"), call.object
    rule = Restriction(0, body.get("kind", ""), body.get("branch_match_kind", ""), "")
    _check(call, repo, rule, body)
    _fill(call, repo, rule, body)
    _unique(repo, rule)
    rule.id = call.site.state.number()
    repo.restrictions[rule.id] = rule
    return Answer(201, _shape(call, repo, rule))


def _check(call: Call, repo: Repository, rule: Restriction, body: dict[str, Any]) -> None:
    premium = call.state.workspaces[repo.workspace].plan == "premium"
    if rule.kind in _PREMIUM and not premium:
        raise Refusal(402, f"{rule.kind} needs the Premium plan.")
    if rule.kind not in _KINDS | _PREMIUM:
        raise Refusal(400, "kind: not a valid choice")
    if rule.kind in WITH_PEOPLE and not {"users", "groups"} <= body.keys():
        raise Refusal(400, "users, groups: these fields are required")


def _fill(call: Call, repo: Repository, rule: Restriction, body: dict[str, Any]) -> None:
    """What is not named stays."""
    rule.pattern = str(body.get("pattern", rule.pattern))
    rule.branch_type = str(body.get("branch_type", rule.branch_type))
    rule.value = body.get("value", rule.value)
    if rule.kind not in WITH_PEOPLE:
        return
    if "users" in body:
        rule.users = [_user(call, one) for one in body["users"]]
    if "groups" in body:
        known = call.state.workspaces[repo.workspace].groups
        rule.groups = [str(one.get("slug")) for one in body["groups"]]
        if not set(rule.groups) <= known.keys():
            raise Refusal(400, "groups: no such group")


def _user(call: Call, asked: dict[str, Any]) -> str:
    """An access token's account can't be named here: it is nobody of the workspace."""
    found = call.state.user(str(asked.get("uuid") or asked.get("account_id")))
    if found.kind != "user":
        raise Refusal(400, "users: not a user of this workspace")
    return found.uuid


def _unique(repo: Repository, rule: Restriction) -> None:
    match = (rule.kind, rule.branch_match_kind, rule.pattern, rule.branch_type)
    for other in repo.restrictions.values():
        if other is not rule and match == (
            other.kind,
            other.branch_match_kind,
            other.pattern,
            other.branch_type,
        ):
            raise Refusal(409, "A branch restriction of this kind and pattern already exists.")


def _one(call: Call, repo: Repository) -> Restriction:
    found = repo.restrictions.get(call.args["id"])
    if found is None:
        raise Refusal(404, "Branch restriction not found")
    return found


def show(call: Call) -> Answer:
    repo = call.repo("admin")
    return Answer(200, _shape(call, repo, _one(call, repo)))


def change(call: Call) -> Answer:
    repo = call.repo("admin")
    rule = _one(call, repo)
    _fill(call, repo, rule, call.object)
    _unique(repo, rule)
    return Answer(200, _shape(call, repo, rule))


def delete(call: Call) -> Answer:
    repo = call.repo("admin")
    del repo.restrictions[_one(call, repo).id]
    return Answer(204)


ROUTES = (
    Route("GET", _ALL, listing, ADMIN_REPO),
    Route("POST", _ALL, create, ADMIN_REPO),
    Route("GET", _ONE, show, ADMIN_REPO),
    Route("PUT", _ONE, change, ADMIN_REPO),
    Route("DELETE", _ONE, delete, ADMIN_REPO),
)
