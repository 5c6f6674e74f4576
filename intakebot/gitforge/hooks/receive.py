"""The two hooks of the forge's own repositories.

`pre_receive` decides and records: intents for what it lets in, incidents for what it refuses.
`post_receive` writes what follows. Neither calls anybody; see pushes.py for what a kill leaves.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from intakebot.crash import crashpoint
from intakebot.gitforge import incidents, people, pushes, repositories
from intakebot.gitforge.hooks import words
from intakebot.gitforge.hooks.decide import Refusal, Rights, Update, parse, refuse
from intakebot.gitforge.layout import Layout
from intakebot.gitforge.people import Account
from intakebot.gitforge.plumbing import ZERO, Git
from intakebot.gitforge.repositories import Repo
from intakebot.gitforge.store import ForgeError, connected, setting, writing
from intakebot.gitforge.wishes import Wishes, from_environment, plain

MOST_UPDATES = 1000
MOST_COUNTED = 1000  # commits of a refused push


class Push(NamedTuple):
    """One push, as the bridge named it in the environment."""

    layout: Layout
    db: sqlite3.Connection
    by: Account
    scope: str
    repo: Repo
    main: Repo
    git: Git
    wishes: Wishes


def main(hook: str) -> None:
    """Whatever goes wrong refuses the push, in a sentence."""
    layout = Layout(Path(os.environ["INTAKEBOT_FORGE_STATE"]))
    updates = [parse(line) for line in sys.stdin]
    try:
        with connected(layout) as db:
            push = _push(layout, db)
            sys.exit(
                pre_receive(push, updates) if hook == "pre-receive" else post_receive(push, updates)
            )
    except (ForgeError, sqlite3.Error, OSError, subprocess.SubprocessError) as error:
        words.say(["intakebot: the forge could not finish its part of this push.", str(error)])
        sys.exit(1)


def _push(layout: Layout, db: sqlite3.Connection) -> Push:
    repo = repositories.known(db, int(os.environ["INTAKEBOT_FORGE_REPO"]))
    return Push(
        layout=layout,
        db=db,
        by=people.known(db, int(os.environ["INTAKEBOT_FORGE_ACCOUNT"])),
        scope=os.environ["INTAKEBOT_FORGE_SCOPE"],
        repo=repo,
        main=repositories.known(db, repo.main_id),
        git=Git(Path.cwd(), None),
        wishes=from_environment(os.environ),
    )


def pre_receive(push: Push, updates: Sequence[Update]) -> int:
    if len(updates) > MOST_UPDATES:
        words.say([f"intakebot: push at most {MOST_UPDATES} branches and tags at once."])
        return 1
    rights = _rights(push)

    def rewrites(update: Update) -> bool:
        return update.old != ZERO and not push.git.contains(update.new, update.old)

    refused = [no for update in updates if (no := refuse(update, rights, rewrites))]
    if refused:
        _record(push, refused)
        words.say(words.refusal_text(refused, rights, _place(push), push.git))
        return 1
    if push.wishes.target and push.main.git(push.layout).tip(push.wishes.target) is None:
        target = plain(push.wishes.target, 100)
        words.say([f"intakebot: target={target}: {push.main.name} has no such branch."])
        return 1
    crashpoint("forge.before_intend")
    with writing(push.db):
        for update in updates:
            if update.branch:
                moved = (update.branch, update.old, update.new)
                pushes.intend(push.db, push.repo, push.by, moved, push.wishes)
    crashpoint("forge.after_intend")
    return 0


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


def post_receive(push: Push, updates: Sequence[Update]) -> int:
    crashpoint("forge.post_receive")
    for update in updates:
        if update.branch is None:
            continue
        branch, new = update.branch, update.new
        for outcome in pushes.settle_pushed(push.db, push.layout, push.repo, branch, new):
            crashpoint("forge.after_settle")
            words.say([_told(push, outcome, branch)])
    if push.wishes.unknown:
        words.say([f"intakebot does not know the push option {push.wishes.unknown[0]!r}."])
    return 0


def _told(push: Push, outcome: pushes.Outcome, branch: str) -> str:
    if outcome.number is None:
        return f"{push.main.name} already contains {plain(branch, 100)}: no pull request is needed."
    page = f"{setting(push.db, 'page_url')}/pulls/{push.main.name}/{outcome.number}"
    return f"Pull request #{outcome.number} {outcome.verb}: {page}"
