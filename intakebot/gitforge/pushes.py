"""What follows from a push, also when the process that should have said so was killed.

The pre-receive hook writes an *intent* for each branch before git moves it. Whoever comes
first afterwards (post-receive, a reader of the API, the sender) settles it: deletes the row and
writes the consequences in one transaction. So nothing is lost and nothing happens twice.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from intakebot.gitforge import outbox, people, pulls, repositories
from intakebot.gitforge.layout import Layout
from intakebot.gitforge.people import Account
from intakebot.gitforge.plumbing import ZERO
from intakebot.gitforge.pulls import Opening, Pull
from intakebot.gitforge.repositories import Repo
from intakebot.gitforge.store import now, writing
from intakebot.gitforge.wishes import Wishes, plain

# Git has long moved the branch by then, or never will: refused late, or the client was killed.
_STALE = timedelta(hours=1)


class Intent(NamedTuple):
    id: int
    repo: Repo
    branch: str
    old: str
    new: str
    by: Account
    wishes: Wishes
    at: datetime


class Outcome(NamedTuple):
    """`verb` is opened, updated, closed, merged or nothing."""

    verb: str
    number: int | None = None


class _Seen(NamedTuple):
    """What git says about one intent, asked before the transaction."""

    target: str
    contained: bool
    title: str
    merged: dict[int, str]  # id of an open pull request towards this branch → merged as


def intend(
    db: sqlite3.Connection, repo: Repo, by: Account, update: tuple[str, str, str], wishes: Wishes
) -> None:
    """`update` is (branch, old, new); call it inside `writing`."""
    db.execute(
        "INSERT INTO intent (repo_id, branch, old, new, account_id, wishes, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (repo.id, *update, by.id, json.dumps(wishes._asdict()), now()),
    )


def settle(db: sqlite3.Connection, layout: Layout, main_id: int | None = None) -> None:
    """Write the consequences of every push that moved its branch and was left so."""
    rows = db.execute(
        "SELECT intent.* FROM intent JOIN repo ON repo.id = repo_id"
        " WHERE ?1 IS NULL OR ?1 IN (repo.id, repo.parent_id) ORDER BY intent.id",
        (main_id,),
    ).fetchall()
    for intent in [_intent(db, row) for row in rows]:
        _settle_one(db, layout, intent)


def settle_pushed(
    db: sqlite3.Connection, layout: Layout, repo: Repo, branch: str, new: str
) -> list[Outcome]:
    """For post-receive: git has just moved `branch` to `new`."""
    rows = db.execute(
        "SELECT * FROM intent WHERE repo_id = ? AND branch = ? AND new = ? ORDER BY id",
        (repo.id, branch, new),
    ).fetchall()
    settled = [_settle_one(db, layout, _intent(db, row)) for row in rows]
    outcomes = [outcome for several in settled for outcome in several]
    if outcomes:
        return outcomes
    known = pulls.open_from(db, repo, branch)  # a reader of the API was quicker, or the sender
    if known is None:
        return []
    return [Outcome("opened" if pulls.pushed_once(db, known) else "updated", known.number)]


def _intent(db: sqlite3.Connection, row: sqlite3.Row) -> Intent:
    wishes: dict[str, Any] = json.loads(row["wishes"])
    return Intent(
        id=row["id"],
        repo=repositories.known(db, row["repo_id"]),
        branch=row["branch"],
        old=row["old"],
        new=row["new"],
        by=people.known(db, row["account_id"]),
        wishes=Wishes(**{**wishes, "unknown": tuple(wishes["unknown"])}),
        at=datetime.fromisoformat(row["at"]),
    )


def _settle_one(db: sqlite3.Connection, layout: Layout, intent: Intent) -> list[Outcome]:
    tip = intent.repo.git(layout).tip(intent.branch) or ZERO
    if tip != intent.new:
        # Not moved yet, or moved on by a later push, which has an intent of its own.
        if datetime.now(UTC) - intent.at > _STALE:
            with writing(db):
                db.execute("DELETE FROM intent WHERE id = ?", (intent.id,))
        return []
    seen = _look(db, layout, intent)
    with writing(db):
        taken = db.execute("DELETE FROM intent WHERE id = ?", (intent.id,)).rowcount
        return _write(db, intent, seen) if taken else []


def _look(db: sqlite3.Connection, layout: Layout, intent: Intent) -> _Seen:
    repo, main = intent.repo, repositories.known(db, intent.repo.main_id)
    known = pulls.open_from(db, repo, intent.branch)
    target = intent.wishes.target or (known.target if known else main.intake)
    if intent.new == ZERO:
        return _Seen(target, False, "", {})
    git, main_git = repo.git(layout), main.git(layout)
    tip = main_git.tip(target)
    merged: dict[int, str] = {}
    if repo.is_main:
        towards = pulls.open_towards(db, main, intent.branch)
        here = main_git.existing(pull.head for pull in towards)
        for pull in towards:
            if pull.head in here and main_git.contains(intent.new, pull.head):
                merged[pull.id] = main_git.merged_as(intent.old, intent.new, pull.head)
    return _Seen(
        target=target,
        contained=tip is not None and git.contains(tip, intent.new),
        title=plain(git.first_subject(tip, intent.new)) or intent.branch,
        merged=merged,
    )


def _write(db: sqlite3.Connection, intent: Intent, seen: _Seen) -> list[Outcome]:
    repo, main = intent.repo, repositories.known(db, intent.repo.main_id)
    outcomes: list[Outcome] = []
    if repo.is_main:
        ref = f"refs/heads/{intent.branch}"
        outbox.announce(db, "push", main, intent.by, sha=intent.new, ref=ref)
        outcomes += _merge(db, main, intent, seen)
    known = pulls.open_from(db, repo, intent.branch)
    if known:
        return [*outcomes, _follow(db, main, known, intent, seen)]
    asked = intent.wishes.pull if repo.is_main else True
    is_target = repo.is_main and seen.target == intent.branch
    if intent.new == ZERO or not asked or is_target:
        return outcomes
    if seen.contained:
        return [*outcomes, Outcome("nothing")]
    number = pulls.start(db, main, intent.by, _opening(intent, seen))
    return [*outcomes, Outcome("opened", number)]


def _opening(intent: Intent, seen: _Seen) -> Opening:
    return Opening(
        source=intent.repo,
        branch=intent.branch,
        target=seen.target,
        head=intent.new,
        title=intent.wishes.title or seen.title,
        description=intent.wishes.description,
        draft=bool(intent.wishes.draft),
    )


def _merge(db: sqlite3.Connection, main: Repo, intent: Intent, seen: _Seen) -> Iterable[Outcome]:
    for pull in pulls.open_towards(db, main, intent.branch):
        if pull.id in seen.merged:
            values = {"state": "merged", "merged_as": seen.merged[pull.id]}
            pulls.change(db, main, pull, intent.by, values)
            yield Outcome("merged", pull.number)


def _follow(db: sqlite3.Connection, main: Repo, pull: Pull, intent: Intent, seen: _Seen) -> Outcome:
    """The open pull request from this branch goes where the branch went."""
    if intent.new == ZERO:
        pulls.change(db, main, pull, intent.by, {"state": "closed"})
        return Outcome("closed", pull.number)
    if pull.head != intent.new:
        pulls.move(db, main, pull, intent.new, intent.by)
    wishes = intent.wishes
    said = {"title": wishes.title, "description": wishes.description, "target": wishes.target}
    values: dict[str, Any] = {column: value for column, value in said.items() if value}
    if wishes.draft is not None:
        values["draft"] = wishes.draft
    if seen.contained:
        values["state"] = "closed"
    if values:
        pulls.change(db, main, pull, intent.by, values)
    return Outcome("closed" if seen.contained else "updated", pull.number)
