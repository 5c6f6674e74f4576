"""Who may do what in a repository: the highest of what owners, people and groups are given."""

from __future__ import annotations

from intakebot.world.bitbucket_cloud.pre_receive import matches
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.state import (
    LEVELS,
    Repository,
    Restriction,
    State,
    Token,
)


def granted(state: State, repository: Repository, user: str) -> str:
    """none, read, write or admin; without what everybody has in a public repository."""
    workspace = state.workspaces[repository.workspace]
    given = ["none", repository.grants.get(user, "none")]
    given += [
        level
        for slug, level in repository.group_grants.items()
        if slug in workspace.groups and user in workspace.groups[slug].members
    ]
    if workspace.members.get(user) == "owner":
        given.append("admin")
    return max(given, key=LEVELS.index)


def level(state: State, repository: Repository, token: Token) -> str:
    """Of a caller now. A repository access token reaches its repository alone."""
    if token.repository is not None:
        own = "write" if token.repository == repository.uuid else "none"
        found = own if not _administers(token) or own == "none" else "admin"
    else:
        found = granted(state, repository, token.user)
    if found == "none" and not repository.is_private:
        return "read"
    return found


def _administers(token: Token) -> bool:
    return "admin:repository:bitbucket" in token.scopes


def at_least(found: str, needed: str) -> bool:
    return LEVELS.index(found) >= LEVELS.index(needed)


def require(state: State, repository: Repository, token: Token, needed: str) -> None:
    """404 for what can't even be seen, 403 for what can't be done."""
    found = level(state, repository, token)
    if found == "none":
        raise Refusal(
            404,
            "You may not have access to this repository or it no longer exists in this workspace. "
            "If you think this repository exists and you have access, make sure you are "
            "authenticated.",
        )
    if not at_least(found, needed):
        raise Refusal(403, f"Access denied. You must have {needed} or admin access.")


def _exempt(state: State, repository: Repository, rule: Restriction, user: str) -> bool:
    groups = state.workspaces[repository.workspace].groups
    known = (groups[slug] for slug in rule.groups if slug in groups)
    return user in rule.users or any(user in group.members for group in known)


def let_through(state: State, repository: Repository, user: str, kind: str, branch: str) -> bool:
    """Whether every rule of `kind` for this branch exempts the user. No rule lets everybody."""
    return all(
        _exempt(state, repository, rule, user)
        for rule in repository.restrictions.values()
        if rule.kind == kind and matches(rule.pattern, branch)
    )


def closed_to(state: State, repository: Repository, user: str) -> list[tuple[str, str]]:
    """(kind, pattern) of the rules that hold this user's pushes back."""
    return [
        (rule.kind, rule.pattern)
        for rule in repository.restrictions.values()
        if rule.kind in ("push", "force", "delete")
        and not (rule.kind == "push" and _exempt(state, repository, rule, user))
    ]


def members_with_access(state: State, repository: Repository) -> list[tuple[str, str]]:
    """(user, effective level) of everybody who is given something, by whatever way."""
    workspace = state.workspaces[repository.workspace]
    people = set(repository.grants) | set(workspace.members)
    for slug in repository.group_grants:
        if slug in workspace.groups:
            people |= workspace.groups[slug].members
    pairs = ((user, granted(state, repository, user)) for user in sorted(people))
    return [(user, found) for user, found in pairs if found != "none"]
