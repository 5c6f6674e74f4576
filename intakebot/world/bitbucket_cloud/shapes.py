"""Accounts, workspaces, repositories and commits as JSON, as the product writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from intakebot.world.bitbucket_cloud.commits import Commit
from intakebot.world.bitbucket_cloud.moments import written
from intakebot.world.bitbucket_cloud.state import Project, Repository, State, User, Workspace

Json = dict[str, Any]
STRATEGIES = ["merge_commit", "squash", "fast_forward", "squash_fast_forward"]


@dataclass(frozen=True, slots=True)
class View:
    """What is shown, and the addresses of the API (ending in /2.0) and of the pages."""

    state: State
    api: str
    pages: str

    def link(self, path: str) -> Json:
        return {"href": self.api + quote(path, safe="/?=&:+,~")}

    def page(self, path: str) -> Json:
        return {"href": self.pages + quote(path, safe="/?=&:+,~#")}


def text(raw: str) -> Json:
    escaped = raw.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    html = f"<p>{escaped}</p>" if raw else ""
    return {"type": "rendered", "raw": raw, "markup": "markdown", "html": html}


def account(view: View, uuid: str) -> Json:
    user: User = view.state.users[uuid]
    return {
        "type": user.kind,
        "display_name": user.display_name,
        "uuid": user.uuid,
        "account_id": user.account_id,
        "nickname": user.nickname,
        "links": {
            "self": view.link(f"/users/{user.uuid}"),
            "html": view.page(f"/{user.uuid}/"),
            "avatar": view.page(f"/avatar/{user.nickname}.png"),
        },
    }


def whole_account(view: View, uuid: str) -> Json:
    user = view.state.users[uuid]
    return {
        **account(view, uuid),
        "created_on": written(user.created_on),
        "account_status": "active",
    }


def workspace(view: View, one: Workspace) -> Json:
    path = f"/workspaces/{one.slug}"
    return {
        "type": "workspace",
        "uuid": one.uuid,
        "slug": one.slug,
        "name": one.name,
        "is_private": True,
        "is_privacy_enforced": False,
        "forking_mode": one.forking_mode,
        "created_on": written(one.created_on),
        "links": {
            "self": view.link(path),
            "html": view.page(f"/{one.slug}/"),
            "members": view.link(f"{path}/members"),
            "projects": view.link(f"{path}/projects"),
            "repositories": view.link(f"/repositories/{one.slug}"),
        },
    }


def project(view: View, one: Project) -> Json:
    return {
        "type": "project",
        "uuid": one.uuid,
        "key": one.key,
        "name": one.name,
        "links": {"html": view.page(f"/projects/{one.key}")},
    }


def short_repository(view: View, one: Repository) -> Json:
    """As it stands inside other things."""
    name = view.state.full_name(one)
    return {
        "type": "repository",
        "full_name": name,
        "name": one.name,
        "uuid": one.uuid,
        "links": {
            "self": view.link(f"/repositories/{name}"),
            "html": view.page(f"/{name}"),
            "avatar": view.page(f"/avatar/{one.slug}.png"),
        },
    }


def repository(view: View, one: Repository) -> Json:
    name = view.state.full_name(one)
    path = f"/repositories/{name}"
    place = view.state.workspaces[one.workspace]
    shown: Json = {
        **short_repository(view, one),
        "slug": one.slug,
        "scm": "git",
        "description": one.description,
        "is_private": one.is_private,
        "fork_policy": one.fork_policy,
        "has_issues": False,
        "has_wiki": False,
        "language": "",
        "size": 0,
        "website": None,
        "created_on": written(one.created_on),
        "updated_on": written(one.updated_on),
        "workspace": {
            "type": "workspace",
            "uuid": place.uuid,
            "slug": place.slug,
            "name": place.name,
        },
        "owner": _owner(view, place),
        "parent": _parent(view, one),
        "mainbranch": {"type": "branch", "name": one.mainbranch} if one.refs else None,
    }
    if one.project in place.projects:
        shown["project"] = project(view, place.projects[one.project])
    kinds = ("pullrequests", "commits", "forks", "watchers", "downloads", "hooks")
    shown["links"] |= {kind: view.link(f"{path}/{kind}") for kind in kinds}
    shown["links"]["clone"] = [{"name": "https", "href": f"{view.pages}/{name}.git"}]
    return shown


def _owner(view: View, place: Workspace) -> Json:
    return {
        "type": "team",
        "display_name": place.name,
        "uuid": place.uuid,
        "links": {
            "self": view.link(f"/workspaces/{place.slug}"),
            "html": view.page(f"/{place.slug}/"),
        },
    }


def _parent(view: View, one: Repository) -> Json | None:
    parent = view.state.repositories.get(one.parent or "")
    return short_repository(view, parent) if parent else None


def short_commit(view: View, full_name: str, oid: str) -> Json:
    return {
        "type": "commit",
        "hash": oid,
        "links": {
            "self": view.link(f"/repositories/{full_name}/commit/{oid}"),
            "html": view.page(f"/{full_name}/commits/{oid}"),
        },
    }


def commit(view: View, one: Commit, repo: Repository) -> Json:
    name = view.state.full_name(repo)
    path = f"/repositories/{name}/commit/{one.oid}"
    shown = short_commit(view, name, one.oid)
    shown["links"] |= {k: view.link(f"{path}/{k}") for k in ("comments", "statuses", "approve")}
    shown["links"]["diff"] = view.link(f"/repositories/{name}/diff/{one.oid}")
    return {
        **shown,
        "date": one.date,
        "message": one.message,
        "summary": text(one.message),
        "rendered": {"message": text(one.message)},
        "author": {"type": "author", "raw": one.author, **_known(view, one.author)},
        "parents": [short_commit(view, name, parent) for parent in one.parents],
        "repository": short_repository(view, repo),
        "participants": [],
    }


def _known(view: View, author: str) -> Json:
    """The account whose e-mail stands in the commit; anybody can write any there."""
    email = author.rpartition("<")[2].rstrip(">")
    found = (user.uuid for user in view.state.users.values() if user.email and user.email == email)
    uuid = next(found, None)
    return {"user": account(view, uuid)} if uuid else {}
