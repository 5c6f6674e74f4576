"""Makes users, workspaces, repositories and forks, as the product's pages and API do."""

from __future__ import annotations

import re
from collections.abc import Mapping

from intakebot.world.bitbucket_cloud import shapes
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.site import Site
from intakebot.world.bitbucket_cloud.state import Project, Repository, User, Workspace


def user(site: Site, nickname: str, *, kind: str = "user", email: str = "") -> User:
    """Somebody with an account."""
    state = site.state
    one = User(
        uuid=state.new_uuid(),
        account_id=f"557058:{state.new_uuid().strip('{}')}",
        nickname=nickname,
        display_name=nickname.capitalize(),
        created_on=site.moments.next(),
        email=email,
        kind=kind,
    )
    state.users[one.uuid] = one
    return one


def workspace(site: Site, slug: str, plan: str) -> Workspace:
    state = site.state
    one = Workspace(state.new_uuid(), slug, slug, site.moments.next(), plan)
    project = Project(state.new_uuid(), "PROJ", "Project", site.moments.next())
    one.projects[project.key] = project
    state.workspaces[one.uuid] = one
    return one


def repository(
    site: Site,
    place: Workspace,
    name: str,
    files: Mapping[str, str] | None,
    *,
    private: bool,
    branch: str = "main",
) -> Repository:
    one = _blank(site, place, name)
    one.is_private, one.mainbranch = private, branch
    site.disk.create(one.uuid, files, branch)
    one.refs = site.disk.refs(one.uuid)
    site.state.repositories[one.uuid] = one
    return one


def _blank(site: Site, place: Workspace, name: str) -> Repository:
    slug = re.sub(r"[^a-z0-9._-]+", "-", name.lower())
    for other in site.state.repositories.values():
        if (other.workspace, other.slug) == (place.uuid, slug):
            raise Refusal(400, "Repository with this Slug and Owner already exists.")
    now = site.moments.next()
    one = Repository(site.state.new_uuid(), place.uuid, slug, name, now, now)
    one.project = next(iter(place.projects), "")
    return one


def fork(
    site: Site,
    parent: Repository,
    place: Workspace,
    by: str,
    *,
    name: str = "",
    private: bool | None = None,
    inherit: bool = False,
) -> Repository:
    """`inherit` copies the parent's permissions, as a box on the page does; else nobody has any."""
    private = parent.is_private if private is None else private
    _allow(site, parent, place, private)
    one = _blank(site, place, name or parent.slug)
    one.is_private, one.mainbranch, one.parent = private, parent.mainbranch, parent.uuid
    one.fork_policy = parent.fork_policy
    if inherit:
        one.grants = {who: "read" for who in parent.grants}
        home = site.state.workspaces[parent.workspace]
        one.grants |= {who: "read" for who, role in home.members.items() if role == "owner"}
    site.disk.copy(parent.uuid, one.uuid)
    one.refs = site.disk.refs(one.uuid)
    site.state.repositories[one.uuid] = one
    body = {"fork": shapes.repository(site.view(), one)}
    site.announce("repo:fork", parent, by, body)
    return one


def _allow(site: Site, parent: Repository, place: Workspace, private: bool) -> None:
    home = site.state.workspaces[parent.workspace]
    if parent.fork_policy == "no_forks":
        raise Refusal(403, "This repository does not allow forking.")
    if parent.fork_policy == "no_public_forks" and not private:
        raise Refusal(400, "This repository allows only private forks.")
    if home.forking_mode == "internal_only" and home is not place and parent.is_private:
        raise Refusal(403, "This workspace allows forks inside the workspace only.")


def delete(site: Site, repo: Repository) -> None:
    """Its own pull requests go with it; those from it lose their source."""
    del site.state.repositories[repo.uuid]
    for uuid in repo.hooks:
        site.state.hooks.pop(uuid, None)
    for other in site.state.repositories.values():
        if other.parent == repo.uuid:
            other.parent = None
        for pull in other.pulls.values():
            if pull.source_repository == repo.uuid:
                pull.source_repository = None
