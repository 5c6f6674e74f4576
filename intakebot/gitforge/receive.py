"""What the forge says to the two hooks of its own repositories.

`pre_receive` decides and records: intents for what it lets in, incidents for what it refuses.
`post_receive` writes what follows. Neither calls anybody; see pushes.py for what a kill leaves.
"""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from intakebot.crash import crashpoint
from intakebot.gitforge import incidents, people, pushes, repositories
from intakebot.gitforge.hooks import words
from intakebot.gitforge.hooks.decide import Refusal, Rights, Update, parse, refuse
from intakebot.gitforge.layout import Layout
from intakebot.gitforge.people import Account, Caller
from intakebot.gitforge.plumbing import ZERO, Git
from intakebot.gitforge.repositories import Repo
from intakebot.gitforge.store import ForgeError, connected, setting, writing
from intakebot.gitforge.talk import Answer
from intakebot.gitforge.wishes import Wishes, from_environment, plain

MOST_UPDATES = 1000
MOST_COUNTED = 1000  # commits of a refused push


class Push(NamedTuple):
    layout: Layout
    db: sqlite3.Connection
    by: Account
    scope: str
    repo: Repo
    main: Repo
    git: Git  # with what is only on trial yet
    wishes: Wishes


class Pushing(NamedTuple):
    """One push, as the bridge has let it in."""

    layout: Layout
    caller: Caller
    repo: Repo

    def answer(self, hook: str, environ: Mapping[str, str], updates: Sequence[str]) -> Answer:
        """`environ` is the hook's: git's quarantine and the pusher's wishes are in it.

        Whatever goes wrong refuses the push, in a sentence.
        """
        try:
            with connected(self.layout) as db:
                push = self._push(db, environ)
                moves = [parse(line) for line in updates]
                return _HOOKS[hook](push, moves)
        except (ForgeError, sqlite3.Error, OSError, subprocess.SubprocessError) as error:
            first = "intakebot: the forge could not finish its part of this push."
            return Answer(1, [first, str(error)])

    def _push(self, db: sqlite3.Connection, environ: Mapping[str, str]) -> Push:
        repo = repositories.known(db, self.repo.id)
        return Push(
            layout=self.layout,
            db=db,
            by=people.known(db, self.caller.account.id),
            scope=self.caller.scope,
            repo=repo,
            main=repositories.known(db, repo.main_id),
            git=Git(repo.path(self.layout), environ),
            wishes=from_environment(environ),
        )


def pre_receive(push: Push, updates: Sequence[Update]) -> Answer:
    if len(updates) > MOST_UPDATES:
        return Answer(1, [f"intakebot: push at most {MOST_UPDATES} branches and tags at once."])
    rights = _rights(push)

    def rewrites(update: Update) -> bool:
        return update.old != ZERO and not push.git.contains(update.new, update.old)

    refused = [no for update in updates if (no := refuse(update, rights, rewrites))]
    if refused:
        _record(push, refused)
        return Answer(1, words.refusal_text(refused, rights, _place(push), push.git))
    if push.wishes.target and push.main.git(push.layout).tip(push.wishes.target) is None:
        target = plain(push.wishes.target, 100)
        return Answer(1, [f"intakebot: target={target}: {push.main.name} has no such branch."])
    crashpoint("forge.before_intend")
    with writing(push.db):
        for update in updates:
            if update.branch:
                moved = (update.branch, update.old, update.new)
                pushes.intend(push.db, push.repo, push.by, moved, push.wishes)
    crashpoint("forge.after_intend")
    return Answer(0)


def _rights(push: Push) -> Rights:
    protected = {push.main.intake, push.main.deploy} if push.repo.is_main else set()
    if push.scope == "land":
        return Rights(protected, land=push.repo.is_main)
    if push.scope != "person":
        return Rights(protected)
    owner = push.repo.owner is not None and push.repo.owner.id == push.by.id
    level = people.granted(push.db, push.main.id, push.by.id)
    write = push.repo.is_main and level == "write"
    return Rights(protected, first=push.main.intake, write=write, owner=owner)


def _place(push: Push) -> words.Place:
    def fork_tip(branch: str) -> str | None:
        fork = repositories.fork_of(push.db, push.main, push.by.login)
        return fork.git(push.layout).tip(branch) if fork else None

    url = ""
    if push.scope == "person":
        login = push.by.login
        url = repositories.clone_url(push.db, f"{login}/{push.main.name}", login)
    owner = push.repo.owner.login if push.repo.owner else ""
    return words.Place(push.main.name, url, owner, fork_tip)


def _record(push: Push, refused: Sequence[Refusal]) -> None:
    details = [f"{push.repo.place}: {_commits(push.git, no.update)}" for no in refused]
    with writing(push.db):
        for no, detail in zip(refused, details, strict=True):
            ref = plain(no.update.ref)
            incidents.record(push.db, push.main, push.by, no.kind, ref, detail)


def _commits(git: Git, update: Update) -> str:
    if update.new == ZERO:
        return f"deletion of {update.old}"
    limit = f"--max-count={MOST_COUNTED}"
    count = git.run("rev-list", "--count", limit, update.new, "--not", "--all").strip()
    return f"{count} new commit{'' if count == '1' else 's'}, tip {update.new}"


def post_receive(push: Push, updates: Sequence[Update]) -> Answer:
    crashpoint("forge.post_receive")
    lines = []
    for update in updates:
        if update.branch is None:
            continue
        branch, new = update.branch, update.new
        for outcome in pushes.settle_pushed(push.db, push.layout, push.repo, branch, new):
            crashpoint("forge.after_settle")
            lines.append(_told(push, outcome, branch))
    if push.wishes.unknown:
        lines.append(f"intakebot does not know the push option {push.wishes.unknown[0]!r}.")
    return Answer(0, lines)


def _told(push: Push, outcome: pushes.Outcome, branch: str) -> str:
    if outcome.number is None:
        return f"{push.main.name} already contains {plain(branch, 100)}: no pull request is needed."
    page = f"{setting(push.db, 'page_url')}/pulls/{push.main.name}/{outcome.number}"
    return f"Pull request #{outcome.number} {outcome.verb}: {page}"


_HOOKS = {"pre-receive": pre_receive, "post-receive": post_receive}
