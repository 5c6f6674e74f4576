"""Reads one repository for `connect`: a handful of calls, none that changes anything."""

from __future__ import annotations

from collections.abc import Sequence

from intakebot.flow.connect_words import Desk, Found, Purpose, Tokens
from intakebot.forges.bitbucket_cloud.admin import Admin, Repository
from intakebot.model import OperatorError


def administrator(desk: Desk) -> Admin:
    api = desk.apis.get("admin")
    if api is None:
        raise OperatorError(
            "BITBUCKET_ADMIN_TOKEN is not set; give it, or BITBUCKET_ADMIN_TOKEN_FILE"
        )
    return Admin(api)


def clone_url(desk: Desk, repo: Repository) -> str:
    return f"{desk.git_url}/{repo.name}.git"


def look_around(
    desk: Desk, admin: Admin, repo: Repository, tokens: Tokens, branches: Sequence[str]
) -> Found:
    """Raises OperatorError for what the administrator may not see, or TryLater."""
    return Found(
        repo=repo,
        forking_mode=admin.forking_mode(repo.workspace_id),
        levels=levels_of(admin, repo, tokens),
        hooks=tuple(admin.hooks(repo)),
        restrictions=tuple(admin.restrictions(repo)),
        members=admin.members(repo.workspace_id),
        tips=desk.land(repo.id).tips(clone_url(desk, repo), branches),
    )


def levels_of(admin: Admin, repo: Repository, tokens: Tokens) -> dict[Purpose, str]:
    """Of users alone: what an access token may do is in its scopes."""
    levels: dict[Purpose, str] = {}
    asked: dict[str, str] = {}
    purposes: tuple[Purpose, ...] = ("read", "land")
    for purpose in purposes:
        found = tokens.known.get(purpose)
        if found is None or found.account is None or not found.is_user:
            continue
        id = found.account.id
        asked[id] = asked[id] if id in asked else admin.level(repo, id)
        levels[purpose] = asked[id]
    return levels
