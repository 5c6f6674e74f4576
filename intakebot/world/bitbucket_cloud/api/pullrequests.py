"""Pull requests: list, create, show, change, log, commits, statuses."""

from __future__ import annotations

from typing import Any

from intakebot.world.bitbucket_cloud import commits, permissions, pull_shapes, pulls, shapes
from intakebot.world.bitbucket_cloud.api.call import (
    PULL,
    READ_PULL,
    REPO,
    WRITE_PULL,
    Answer,
    Call,
    Route,
)
from intakebot.world.bitbucket_cloud.api.statuses import status_shape
from intakebot.world.bitbucket_cloud.pull_state import Participant, Pull
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.state import Repository

MOST = 50  # of a page of pull requests, where other lists go to 100


def listing(call: Call) -> Answer:
    """Open ones, unless `state` or `q` says otherwise."""
    repo = call.repo()
    states = call.query.getlist("state")
    if not states and "q" not in call.query:
        states = ["OPEN"]
    found = [one for one in reversed(repo.pulls.values()) if not states or one.state in states]
    if call.query.get("q") or call.query.get("sort"):
        return call.filtered([_listed(call, repo, one) for one in found], most=MOST)
    answer = call.page(found, most=MOST)  # hundreds may be open: only those shown are written out
    answer.body["values"] = [_listed(call, repo, one) for one in answer.body["values"]]
    return answer


def _listed(call: Call, repo: Repository, pull: Pull) -> dict[str, Any]:
    """Reviewers and participants come only when asked for by `fields`."""
    shown = pull_shapes.pull(call.view, repo, pull, whole=False)
    fields = call.query.get("fields", "").replace(" ", "+").split(",")
    for name, shape in (
        ("reviewers", pull_shapes.reviewers),
        ("participants", pull_shapes.participants),
    ):
        if any(field.lstrip("+").startswith(f"values.{name}") for field in fields):
            shown[name] = shape(call.view, pull)
    return shown


def show(call: Call) -> Answer:
    repo = call.repo()
    return Answer(200, pull_shapes.pull(call.view, repo, call.pull(repo)))


def create(call: Call) -> Answer:
    repo, body = call.repo(), call.object
    source, branch = _source(call, repo, body.get("source"))
    target = _name(body.get("destination") or {"branch": {"name": repo.mainbranch}}, "destination")
    tip, base = source.refs.get(f"refs/heads/{branch}"), repo.refs.get(f"refs/heads/{target}")
    if tip is None or base is None:
        where = f"source: {branch}" if tip is None else f"destination: {target}"
        raise Refusal(400, f"branch not found: {where}")
    if commits.contains(call.site.disk, base, tip):
        raise Refusal(400, "There are no changes to be pulled")
    if not isinstance(body.get("title"), str) or not body["title"].strip():
        raise Refusal(400, "title: This field is required.")
    now = call.site.moments.next()
    pull = Pull(
        id=repo.next_pull,
        title=body["title"],
        description=str(body.get("description") or ""),
        author=call.user,
        source_repository=source.uuid,
        source_branch=branch,
        source_commit=tip,
        destination_branch=target,
        destination_commit=base,
        created_on=now,
        updated_on=now,
        draft=bool(body.get("draft", False)),
        close_source_branch=bool(body.get("close_source_branch", False)),
        reviewers=_reviewers(call, body.get("reviewers") or [], call.user),
    )
    repo.next_pull += 1
    pulls.opened(call.site, repo, pull)
    return Answer(201, pull_shapes.pull(call.view, repo, pull))


def _source(call: Call, repo: Repository, asked: Any) -> tuple[Repository, str]:
    branch = _name(asked, "source")
    named = (asked.get("repository") or {}) if isinstance(asked, dict) else {}
    name = named.get("uuid") or named.get("full_name")
    if not name:
        return repo, branch
    found = call.state.repositories.get(name) or call.state.at(name)
    permissions.require(call.state, found, call.who, "write")
    return found, branch


def _name(end: Any, what: str) -> str:
    branch = end.get("branch") if isinstance(end, dict) else None
    name = branch.get("name") if isinstance(branch, dict) else None
    if not isinstance(name, str) or not name:
        raise Refusal(400, f"{what}.branch.name: This field is required.")
    return name


def _reviewers(call: Call, asked: list[Any], author: str) -> list[str]:
    found = [call.state.user(one.get("uuid") or one.get("account_id", "")).uuid for one in asked]
    if author in found:
        raise Refusal(400, "reviewers: the author can't be included as a reviewer.")
    return found


def change(call: Call) -> Answer:
    """Title, description, draft, reviewers, destination: the author or somebody with write."""
    repo, body = call.repo(), call.object
    pull = call.pull(repo)
    if pull.author != call.user:
        call.repo("write")
    if pull.state != "OPEN":
        raise Refusal(400, "This pull request is already closed.")
    if "destination" in body:
        _retarget(repo, pull, _name(body["destination"], "destination"))
    if "reviewers" in body:
        _review(call, pull, body["reviewers"])
    pull.title = str(body.get("title", pull.title))
    pull.description = str(body.get("description", pull.description))
    pull.draft = bool(body.get("draft", pull.draft))
    pull.close_source_branch = bool(body.get("close_source_branch", pull.close_source_branch))
    pulls.changed(call.site, repo, pull, call.user)
    pulls.announce(call.site, "updated", repo, pull, call.user)
    return Answer(200, pull_shapes.pull(call.view, repo, pull))


def _retarget(repo: Repository, pull: Pull, branch: str) -> None:
    tip = repo.refs.get(f"refs/heads/{branch}")
    if tip is None:
        raise Refusal(400, f"branch not found: destination: {branch}")
    pull.destination_branch, pull.destination_commit = branch, tip


def _review(call: Call, pull: Pull, asked: list[Any]) -> None:
    pull.reviewers = _reviewers(call, asked, pull.author)
    for user in pull.reviewers:
        if user not in pull.participants:
            pull.participants[user] = Participant(user)
    for known in pull.participants.values():
        known.role = "REVIEWER" if known.user in pull.reviewers else "PARTICIPANT"


def activity(call: Call) -> Answer:
    """Newest first; its next page has no number."""
    repo = call.repo()
    pull = call.pull(repo)
    lines = [pull_shapes.entry(call.view, repo, pull, line) for line in reversed(pull.activity)]
    return call.page(lines, opaque=True, usual=20, most=50)


def commit_list(call: Call) -> Answer:
    """Full hashes, newest first."""
    repo = call.repo()
    pull = call.pull(repo)
    home = call.state.repositories.get(pull.source_repository or "", repo)
    disk = call.site.disk
    found = commits.read(disk, disk.pool, pull.source_commit, f"^{pull.destination_commit}")
    return call.page([shapes.commit(call.view, one, home) for one in found])


def statuses(call: Call) -> Answer:
    """Of the head, in whichever of the two repositories they were set."""
    repo = call.repo()
    pull = call.pull(repo)
    homes = [repo]
    fork = call.state.repositories.get(pull.source_repository or "")
    if fork is not None and fork is not repo:
        homes.append(fork)
    found = [
        status_shape(call.view, home, one)
        for home in homes
        for one in home.statuses.values()
        if one.commit == pull.source_commit
    ]
    return call.filtered(found)


ROUTES = (
    Route("GET", f"{REPO}/pullrequests", listing, READ_PULL),
    Route("POST", f"{REPO}/pullrequests", create, WRITE_PULL),
    Route("GET", PULL, show, READ_PULL),
    Route("PUT", PULL, change, WRITE_PULL),
    Route("GET", f"{PULL}/activity", activity, READ_PULL),
    Route("GET", f"{PULL}/commits", commit_list, READ_PULL),
    Route("GET", f"{PULL}/statuses", statuses, READ_PULL),
)
