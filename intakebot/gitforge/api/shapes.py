"""How things look in JSON: the shapes of docs/git-forge.md."""

from __future__ import annotations

import sqlite3
from typing import Any

from intakebot.gitforge import people, pulls, remarks, repositories
from intakebot.gitforge.layout import Layout
from intakebot.gitforge.pulls import Pull
from intakebot.gitforge.repositories import Repo


def repo_shape(db: sqlite3.Connection, repo: Repo) -> dict[str, Any]:
    return {
        "id": str(repo.id),
        "name": repo.name,
        "kind": "main" if repo.is_main else "fork",
        "owner": repo.owner.shape() if repo.owner else None,
        "parent_id": None if repo.is_main else str(repo.main_id),
        "clone_url": repositories.clone_url(db, repo.place),
        "intake": repo.intake,
        "deploy": repo.deploy,
    }


def pull_line(db: sqlite3.Connection, pull: Pull) -> dict[str, Any]:
    return {
        "number": pull.number,
        "title": pull.title,
        "state": pull.state,
        "draft": pull.draft,
        "head": pull.head,
        "target": pull.target,
        "author": people.known(db, pull.author_id).shape(),
        "seq": pull.seq,
    }


def pull_shape(db: sqlite3.Connection, layout: Layout, main: Repo, pull: Pull) -> dict[str, Any]:
    author = people.known(db, pull.author_id)
    return {
        **pull_line(db, pull),
        "repo": repo_shape(db, main),
        "description": pull.description,
        "source": _source(db, layout, pull),
        "created_at": pull.created_at,
        "fork_url": repositories.clone_url(db, f"{author.login}/{main.name}"),
        "merged_as": pull.merged_as,
        "pushes": [_push(db, row) for row in pulls.pushes(db, pull)],
        "targets": [
            {"target": row["target"], "seq": row["seq"]} for row in pulls.targets(db, pull)
        ],
        "comments": [comment_shape(db, row) for row in remarks.comments(db, pull)],
        "reviews": [review_shape(db, row) for row in remarks.reviews(db, pull)],
        "status": status_shape(remarks.status(db, main, pull.head)),
    }


def _source(db: sqlite3.Connection, layout: Layout, pull: Pull) -> dict[str, Any] | None:
    repo = repositories.known(db, pull.source_id)
    if not repo.path(layout).is_dir():
        return None
    url = repositories.clone_url(db, repo.place)
    return {"repo_id": str(repo.id), "clone_url": url, "branch": pull.branch}


def _push(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    by = people.known(db, row["account_id"]).shape()
    return {"head": row["head"], "by": by, "at": row["at"], "seq": row["seq"]}


def comment_shape(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "by": people.known(db, row["account_id"]).shape(),
        "text": row["text"],
        "at": row["at"],
        "seq": row["seq"],
        "edited": bool(row["edited"]),
        "key": row["key"],
        "seen_head": row["seen_head"],
        "path": row["path"],
        "line": row["line"],
        "reply_to": None if row["reply_to"] is None else str(row["reply_to"]),
        "resolved": bool(row["resolved"]),
    }


def review_shape(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    return {
        "by": people.known(db, row["account_id"]).shape(),
        "head": row["head"],
        "state": row["state"],
        "at": row["at"],
        "seq": row["seq"],
    }


def status_shape(row: sqlite3.Row | None) -> dict[str, str] | None:
    return {name: row[name] for name in ("state", "text", "url")} if row else None
