"""Diffs: a pull request's diff and diffstat send one on to the repository's."""

from __future__ import annotations

from intakebot.world.bitbucket_cloud import commits, pull_shapes
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

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "T": "modified"}


def _onward(call: Call, kind: str) -> Answer:
    repo = call.repo()
    place = pull_shapes.compared(call.view, repo, call.pull(repo), kind)
    return Answer(302, headers={"Location": place})


def pull_diff(call: Call) -> Answer:
    return _onward(call, "diff")


def pull_patch(call: Call) -> Answer:
    return _onward(call, "patch")


def pull_diffstat(call: Call) -> Answer:
    return _onward(call, "diffstat")


def _ends(call: Call, repo: Repository) -> tuple[str, str]:
    """(old, new). `topic` compares with where the two parted; one commit alone with its parent."""
    disk = call.site.disk
    spec = call.args["spec"].rpartition(":")[2].replace("\r", "..")
    first, _, second = spec.partition("..")
    new = _found(call, repo, first)
    if not second:
        parents = commits.read(disk, disk.pool, new, most=1)[0].parents
        return (parents[0] if parents else EMPTY_TREE), new
    old = _found(call, repo, second)
    if call.query.get("topic", "true") == "true":
        old = commits.merge_base(disk, old, new) or old
    return old, new


def _found(call: Call, repo: Repository, name: str) -> str:
    found = commits.resolve(call.site.disk, call.site.disk.pool, name, repo.refs)
    if found is None:
        raise Refusal(404, f"Commit not found: {name}")
    return found


def diff(call: Call) -> Answer:
    repo = call.repo()
    old, new = _ends(call, repo)
    return Answer(200, text=commits.diff(call.site.disk, old, new))


def patch(call: Call) -> Answer:
    """The commits one by one, as `git format-patch` writes them."""
    repo = call.repo()
    old, new = _ends(call, repo)
    disk = call.site.disk
    text = disk.run(disk.pool, "format-patch", "--stdout", f"{old}..{new}")
    return Answer(200, text=text)


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
    Route("GET", f"{REPO}/patch/<path:spec>", patch, READ_REPO),
    Route("GET", f"{REPO}/diffstat/<path:spec>", diffstat, READ_REPO),
)
