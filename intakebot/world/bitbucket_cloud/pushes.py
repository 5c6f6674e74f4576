"""What the product notices after refs of a repository have moved, by whatever way."""

from __future__ import annotations

from typing import Any

from intakebot.world.bitbucket_cloud import commits, pulls, shapes
from intakebot.world.bitbucket_cloud.pull_state import Pull
from intakebot.world.bitbucket_cloud.shapes import Json
from intakebot.world.bitbucket_cloud.site import Site
from intakebot.world.bitbucket_cloud.state import Repository

LISTED = 5  # commits named in a delivery; the rest is truncated


def notice(site: Site, repo: Repository, by: str) -> list[str]:
    """Compare git with what was known of it, and act on each difference. Names what changed."""
    with site.lock:
        old, new = repo.refs, site.disk.refs(repo.uuid)
        names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        if not names:
            return []
        repo.refs = new
        repo.updated_on = site.moments.next()
        changes = [_change(site, repo, name, old.get(name), new.get(name)) for name in names]
        site.announce("repo:push", repo, by, {"push": {"changes": changes}})
        for name in names:
            if name.startswith("refs/heads/") and name in new:
                _branch_moved(site, repo, name.removeprefix("refs/heads/"), new[name], by)
        return names


def _branch_moved(site: Site, repo: Repository, branch: str, tip: str, by: str) -> None:
    for home, pull in _open_pulls(site):
        if (pull.source_repository, pull.source_branch) == (repo.uuid, branch):
            pulls.pushed(site, home, pull, tip, by)
    for home, pull in _open_pulls(site):
        if home is repo and pull.destination_branch == branch:
            _land(site, repo, pull, tip, by)
        elif (pull.source_repository, pull.source_branch) == (repo.uuid, branch):
            there = home.refs.get(f"refs/heads/{pull.destination_branch}")
            if there:
                _land(site, home, pull, there, by)


def _land(site: Site, repo: Repository, pull: Pull, tip: str, by: str) -> None:
    """Landing by push: the tip of the source has become reachable from the destination's."""
    if pull.state == "OPEN" and commits.contains(site.disk, tip, pull.source_commit):
        pulls.merged(site, repo, pull, tip, by)


def _open_pulls(site: Site) -> list[tuple[Repository, Pull]]:
    return [
        (repo, pull)
        for repo in site.state.repositories.values()
        for pull in repo.pulls.values()
        if pull.state == "OPEN"
    ]


def _change(site: Site, repo: Repository, ref: str, old: str | None, new: str | None) -> Json:
    kind = "branch" if ref.startswith("refs/heads/") else "tag"
    name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    listed = _listed(site, old, new)
    forced = bool(old and new and not commits.contains(site.disk, new, old))
    full = site.state.full_name(repo)
    return {
        "old": _target(site, repo, kind, name, old),
        "new": _target(site, repo, kind, name, new),
        "created": old is None,
        "closed": new is None,
        "forced": forced,
        "truncated": len(listed) > LISTED,
        "commits": [shapes.commit(site.view(), one, repo) for one in listed[:LISTED]],
        "links": {
            "commits": site.view().link(f"/repositories/{full}/commits?include={new or old}")
        },
    }


def _listed(site: Site, old: str | None, new: str | None) -> list[commits.Commit]:
    if new is None:
        return []
    beyond = [f"^{old}"] if old else []  # a new branch lists its past, as recorded
    return commits.read(site.disk, site.disk.pool, new, *beyond, most=LISTED + 1)


def _target(site: Site, repo: Repository, kind: str, name: str, oid: str | None) -> Json | None:
    if oid is None:
        return None
    view, full = site.view(), site.state.full_name(repo)
    shown: dict[str, Any] = {"type": kind, "name": name}
    if kind == "tag":  # of annotated ones, too: nothing here reads what they say
        shown |= {"tagger": None, "message": None, "date": None}
    read = commits.read(site.disk, site.disk.pool, oid, most=1)
    shown["target"] = shapes.commit(view, read[0], repo)
    shown["links"] = {
        "self": view.link(
            f"/repositories/{full}/refs/{'branches' if kind == 'branch' else 'tags'}/{name}"
        ),
        "html": view.page(f"/{full}/branch/{name}"),
    }
    return shown
