"""Pull requests, remarks, participants and activity as JSON. Hashes have 12 characters here."""

from __future__ import annotations

from typing import Any

from intakebot.world.bitbucket_cloud.commits import SHORT
from intakebot.world.bitbucket_cloud.moments import written
from intakebot.world.bitbucket_cloud.pull_state import Entry, Participant, Pull, Remark
from intakebot.world.bitbucket_cloud.shapes import (
    STRATEGIES,
    Json,
    View,
    account,
    short_commit,
    short_repository,
    text,
)
from intakebot.world.bitbucket_cloud.state import Repository

_LINKS = (
    "commits", "approve", "request-changes", "comments", "activity", "merge", "decline",
    "statuses",
)  # fmt: skip


def pull(view: View, repo: Repository, one: Pull, *, whole: bool = True) -> Json:
    """`whole` has reviewers and participants, which a list leaves out."""
    path = _path(view, repo, one)
    shown: Json = {
        "type": "pullrequest",
        "id": one.id,
        "title": one.title,
        "description": one.description,
        "summary": text(one.description),
        "state": one.state,
        "draft": one.draft,
        "queued": False,
        "author": account(view, one.author),
        "source": source(view, one),
        "destination": destination(view, repo, one, whole=whole),
        "merge_commit": {"hash": one.merge_commit[:SHORT]} if one.merge_commit else None,
        "closed_by": account(view, one.closed_by) if one.closed_by else None,
        "close_source_branch": one.close_source_branch,
        "reason": one.reason,
        "created_on": written(one.created_on),
        "updated_on": written(one.updated_on),
        "comment_count": sum(not remark.deleted for remark in one.remarks.values()),
        "task_count": 0,
        "links": {
            "self": view.link(path),
            "html": _page(view, repo, one),
            **{kind: view.link(f"{path}/{kind}") for kind in _LINKS},
            **{kind: {"href": compared(view, repo, one, kind)} for kind in ("diff", "diffstat")},
        },
    }
    if whole:
        shown["reviewers"] = reviewers(view, one)
        shown["participants"] = participants(view, one)
    return shown


def _path(view: View, repo: Repository, one: Pull) -> str:
    return f"/repositories/{view.state.full_name(repo)}/pullrequests/{one.id}"


def _page(view: View, repo: Repository, one: Pull, at: str = "") -> Json:
    return view.page(f"/{view.state.full_name(repo)}/pull-requests/{one.id}{at}")


def compared(view: View, repo: Repository, one: Pull, kind: str) -> str:
    """The address of the repository's own diff of this pull request: SOURCE:NEW%0DOLD."""
    home = view.state.full_name(repo)
    source = view.state.repositories.get(one.source_repository or "", repo)
    spec = f"{view.state.full_name(source)}:{one.source_commit[:SHORT]}"
    spec += f"%0D{one.destination_commit[:SHORT]}"
    about = f"from_pullrequest_id={one.id}&topic=true"
    return f"{view.api}/repositories/{home}/{kind}/{spec}?{about}"


def short_pull(view: View, repo: Repository, one: Pull) -> Json:
    links = {"self": view.link(_path(view, repo, one)), "html": _page(view, repo, one)}
    return {"type": "pullrequest", "id": one.id, "title": one.title, "links": links}


def source(view: View, one: Pull) -> Json:
    """Of a deleted fork only the branch's name and the hash are left."""
    repo = view.state.repositories.get(one.source_repository or "")
    if repo is None:
        commit: Json = {"type": "commit", "hash": one.source_commit[:SHORT], "links": {}}
        return {"repository": None, "branch": {"name": one.source_branch}, "commit": commit}
    name = view.state.full_name(repo)
    return {
        "repository": short_repository(view, repo),
        "branch": {"name": one.source_branch},
        "commit": short_commit(view, name, one.source_commit[:SHORT]),
    }


def destination(view: View, repo: Repository, one: Pull, *, whole: bool) -> Json:
    branch: Json = {"name": one.destination_branch}
    if whole:
        branch["merge_strategies"] = list(STRATEGIES)
        branch["default_merge_strategy"] = repo.default_merge_strategy
    name = view.state.full_name(repo)
    return {
        "repository": short_repository(view, repo),
        "branch": branch,
        "commit": short_commit(view, name, one.destination_commit[:SHORT]),
    }


def reviewers(view: View, one: Pull) -> list[Json]:
    return [account(view, user) for user in one.reviewers]


def participants(view: View, one: Pull) -> list[Json]:
    return [participant(view, known) for known in one.participants.values()]


def participant(view: View, known: Participant) -> Json:
    return {
        "type": "participant",
        "user": account(view, known.user),
        "role": known.role,
        "approved": known.opinion == "approved",
        "state": known.opinion,
        "participated_on": written(known.participated_on) if known.participated_on else None,
    }


def remark(view: View, repo: Repository, one: Pull, said: Remark) -> Json:
    """A deleted one stays listed, without its text."""
    path = f"{_path(view, repo, one)}/comments/{said.id}"
    shown: Json = {
        "type": "pullrequest_comment",
        "id": said.id,
        "content": text("" if said.deleted else said.raw),
        "user": account(view, said.user),
        "created_on": written(said.created_on),
        "updated_on": written(said.updated_on),
        "deleted": said.deleted,
        "pending": said.pending,
        "pullrequest": short_pull(view, repo, one),
        "links": {
            "self": view.link(path),
            "html": _page(view, repo, one, f"/_/diff#comment-{said.id}"),
        },
    }
    if said.inline is not None:
        shown["inline"] = inline(said)
    if said.parent is not None:
        link = view.link(f"{_path(view, repo, one)}/comments/{said.parent}")
        shown["parent"] = {
            "type": "pullrequest_comment",
            "id": said.parent,
            "links": {"self": link},
        }
    if said.resolved_by:
        shown["resolution"] = resolution(view, said)
    return shown


def inline(said: Remark) -> Json:
    where: dict[str, Any] = said.inline or {}
    shown: Json = {"from": where.get("from"), "to": where.get("to"), "path": where.get("path", "")}
    shown |= {key: where[key] for key in ("start_from", "start_to") if key in where}
    return {**shown, "outdated": said.outdated, "context_lines": ""}


def resolution(view: View, said: Remark) -> Json:
    when = said.resolved_on or said.updated_on
    by = account(view, said.resolved_by or said.user)
    return {"type": "comment_resolution", "user": by, "created_on": written(when)}


def snapshot(view: View, repo: Repository, one: Pull, by: str, date: str) -> Json:
    """The update as /activity keeps it: how the pull request stood at that moment."""
    return {
        "state": one.state,
        "draft": one.draft,
        "title": one.title,
        "description": one.description,
        "reason": one.reason,
        "author": account(view, by),
        "date": date,
        "source": source(view, one),
        "destination": destination(view, repo, one, whole=False),
        "reviewers": [account(view, user) for user in one.reviewers],
        "changes": {},
    }


def entry(view: View, repo: Repository, one: Pull, line: Entry) -> Json:
    short = short_pull(view, repo, one)
    if line.kind == "update":
        return {"update": line.shown, "pull_request": short}
    if line.kind == "comment":
        return {
            "comment": remark(view, repo, one, one.remarks[line.comment]),
            "pull_request": short,
        }
    opinion = {"date": written(line.date), "pullrequest": short, "user": account(view, line.user)}
    return {line.kind: opinion, "pull_request": short}
