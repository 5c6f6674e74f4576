"""The caller, people, repositories, branches and incidents."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from intakebot.gitforge import incidents, making, people, repositories
from intakebot.gitforge.api.body import ApiError, after, identifier
from intakebot.gitforge.api.door import visit
from intakebot.gitforge.api.shapes import repo_shape


def add_to(api: Blueprint) -> None:
    api.add_url_rule("/user", view_func=user)
    api.add_url_rule("/people", view_func=find_people)
    api.add_url_rule("/repos", view_func=list_repos)
    api.add_url_rule("/repos/<repo_id>", view_func=get_repo)
    api.add_url_rule("/repos/<repo_id>/permissions/<account_id>", view_func=permission)
    api.add_url_rule("/repos/<repo_id>/forks", view_func=list_forks)
    api.add_url_rule("/repos/<repo_id>/forks", view_func=make_fork, methods=["POST"])
    api.add_url_rule("/repos/<repo_id>/branches", view_func=branches)
    api.add_url_rule("/repos/<repo_id>/incidents", view_func=list_incidents)


def user() -> dict[str, Any]:
    caller = visit().caller
    return {**caller.account.shape(), "scope": caller.scope}


def find_people() -> dict[str, Any]:
    login = request.args.get("login")
    everybody = people.everybody(visit().db)
    return {"people": [each.shape() for each in everybody if login in (None, "", each.login)]}


def list_repos() -> dict[str, Any]:
    here, name = visit(), request.args.get("name")
    readable = [repo for repo in repositories.mains(here.db) if here.level(repo) != "none"]
    return {"repos": [repo_shape(here.db, repo) for repo in readable if name in (None, repo.name)]}


def get_repo(repo_id: str) -> dict[str, Any]:
    return repo_shape(visit().db, visit().repo(repo_id))


def list_forks(repo_id: str) -> dict[str, Any]:
    here = visit()
    main = here.main(repo_id)
    return {"repos": [repo_shape(here.db, fork) for fork in repositories.forks_of(here.db, main)]}


def make_fork(repo_id: str) -> tuple[dict[str, Any], int]:
    """The caller's own, also when it is there already: the first push would make it too."""
    here = visit()
    main = here.main(repo_id)
    if here.caller.scope != "person":
        raise ApiError(403, "Only people have forks.")
    fork = making.ensure_fork(here.db, here.layout, main, here.caller.account)
    return repo_shape(here.db, fork), 201


def permission(repo_id: str, account_id: str) -> dict[str, Any]:
    """An account that does not exist has no permission: the same answer, so none can guess."""
    main = visit().main(repo_id)
    return {"permission": people.granted(visit().db, main.id, identifier(account_id))}


def branches(repo_id: str) -> dict[str, Any]:
    """All of them, or those that `?branch=` names, which may be given several times."""
    git = visit().repo(repo_id).git(visit().layout)
    asked = request.args.getlist("branch")
    if not asked:
        return {"branches": git.branches()}
    wanted = [f"refs/heads/{branch}" for branch in asked if repositories.valid_branch(branch)]
    found = git.refs(*wanted) if wanted else {}  # asked for nothing, git would tell all
    told = {ref.removeprefix("refs/heads/"): found[ref] for ref in wanted if ref in found}
    return {"branches": told}


def list_incidents(repo_id: str) -> dict[str, Any]:
    here = visit()
    main = here.main(repo_id)
    if not here.is_bot and here.level(main) != "write":
        raise ApiError(403, "Incidents are for people with write permission.")
    return {"incidents": incidents.after(here.db, main, after(request))}
