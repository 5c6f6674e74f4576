"""Diffs: a pull request's diff and diffstat send one on to the repository's."""

from __future__ import annotations

from intakebot.world.bitbucket_cloud import commits
from intakebot.world.bitbucket_cloud.api.call import (
    PULL,
    READ_PULL,
    READ_REPO,
    REPO,
    Answer,
    Call,
    Route,
)
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.shapes import Json
from intakebot.world.bitbucket_cloud.state import Repository

_STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "T": "modified"}


def _onward(call: Call, kind: str) -> Answer:
    """The spec is NEW..OLD with three-dot meaning, in 12 characters and with the fork's name."""
    repo = call.repo()
    pull = call.pull(repo)
    name = call.state.full_name(repo)
    source = call.state.repositories.get(pull.source_repository or "")
    fork = f"{call.state.full_name(source)}:" if source is not None and source is not repo else ""
    old, new = pull.destination_commit[: commits.SHORT], pull.source_commit[: commits.SHORT]
    path = f"/repositories/{name}/{kind}/{fork}{new}%0D{old}"
    place = f"{call.view.api}{path}?from_pullrequest_id={pull.id}&topic=true"
    return Answer(302, headers={"Location": place})


def pull_diff(call: Call) -> Answer:
    return _onward(call, "diff")


def pull_patch(call: Call) -> Answer:
    return _onward(call, "patch")


def pull_diffstat(call: Call) -> Answer:
    return _onward(call, "diffstat")


def _ends(call: Call, repo: Repository) -> tuple[str, str]:
    """(old, new). `topic` compares with where the two parted."""
    disk = call.site.disk
    spec = call.args["spec"].rpartition(":")[2]
    new, _, old = spec.replace("\r", "..").partition("..")
    found_new = commits.resolve(disk, disk.pool, new, repo.refs)
    found_old = commits.resolve(disk, disk.pool, old or f"{new}^", repo.refs) if old else None
    if found_new is None or (old and found_old is None):
        raise Refusal(404, f"Commit not found: {spec}")
    if found_old is None:
        parents = commits.read(disk, disk.pool, found_new, most=1)[0].parents
        found_old = parents[0] if parents else EMPTY_TREE
    elif call.query.get("topic", "true") == "true":
        found_old = commits.merge_base(disk, found_old, found_new) or found_old
    return found_old, found_new


EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def diff(call: Call) -> Answer:
    repo = call.repo()
    old, new = _ends(call, repo)
    return Answer(200, text=commits.diff(call.site.disk, old, new))


def diffstat(call: Call) -> Answer:
    repo = call.repo()
    old, new = _ends(call, repo)
    disk = call.site.disk
    counts = {}
    for line in commits.diff(disk, old, new, "--numstat", "--no-renames").splitlines():
        added, removed, path = line.split("\t", 2)
        counts[path] = (added, removed)
    found = []
    for line in commits.diff(disk, old, new, "--name-status", "--no-renames").splitlines():
        letter, path = line.split("\t", 1)
        found.append(_stat(letter[0], path, *counts[path]))
    return call.page(found, usual=500, most=500)


def _stat(letter: str, path: str, added: str, removed: str) -> Json:
    file: Json = {"type": "commit_file", "path": path, "escaped_path": path}
    return {
        "type": "diffstat",
        "status": _STATUS[letter],
        "lines_added": int(added) if added != "-" else 0,
        "lines_removed": int(removed) if removed != "-" else 0,
        "old": None if letter == "A" else file,
        "new": None if letter == "D" else file,
    }


ROUTES = (
    Route("GET", f"{PULL}/diff", pull_diff, READ_PULL),
    Route("GET", f"{PULL}/patch", pull_patch, READ_PULL),
    Route("GET", f"{PULL}/diffstat", pull_diffstat, READ_PULL),
    Route("GET", f"{REPO}/diff/<path:spec>", diff, READ_REPO),
    Route("GET", f"{REPO}/diffstat/<path:spec>", diffstat, READ_REPO),
)
