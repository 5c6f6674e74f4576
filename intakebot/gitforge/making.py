"""New repositories on disk: built aside with git plumbing, put in place by one rename."""

from __future__ import annotations

import secrets
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

from intakebot.gitforge.layout import MAIN, Layout, valid_name
from intakebot.gitforge.people import Account
from intakebot.gitforge.plumbing import ZERO, Git, environment, hosted
from intakebot.gitforge.repositories import (
    BRANCH_NAMES,
    Repo,
    fork_of,
    main_by_name,
    valid_branch,
)
from intakebot.gitforge.store import ForgeError, new_row, writing

# Kept in each repository's own config, so that a git run there by hand obeys it too: forks
# borrow main's objects, also those that main's own branches no longer reach.
_NEVER_PRUNE = {"gc.auto": "0", "gc.pruneExpire": "never", "receive.autogc": "false"}
_ABANDONED = 3600.0  # seconds after which a half-built repository has no builder any more


def make_main(
    db: sqlite3.Connection, layout: Layout, name: str, origin: Path | None, intake: str, deploy: str
) -> int:
    if not valid_name(name):
        raise ForgeError(
            f"repository name {name!r}: small letters, digits, '.', '_' and '-' only,"
            " 64 at most, not ending in .git; choose another"
        )
    if not (valid_branch(intake) and valid_branch(deploy)):
        raise ForgeError(f"branches {intake!r} and {deploy!r}: use {BRANCH_NAMES}")
    found = main_by_name(db, name)
    if found:
        return found.id
    fresh = _init(layout, intake)
    _configure(fresh, _NEVER_PRUNE)
    if origin:
        _copy(fresh, origin)
    tip = fresh.tip(intake)
    if origin and tip is None:
        shutil.rmtree(fresh.path)
        raise ForgeError(f"{origin}: has no branch {intake!r}; name the intake branch it has")
    if tip and fresh.tip(deploy) is None:
        fresh.run("update-ref", f"refs/heads/{deploy}", tip, ZERO)
    _put_in_place(fresh.path, layout.repository(MAIN, name))
    with writing(db):
        return new_row(
            db.execute(
                "INSERT INTO repo (name, intake, deploy) VALUES (?, ?, ?)", (name, intake, deploy)
            )
        )


def ensure_fork(db: sqlite3.Connection, layout: Layout, main: Repo, owner: Account) -> Repo:
    """Made on first use; any number of first uses at once make one.

    Main's other branches stay out: somebody who moves one of them here must find its name free,
    else their push changes nothing and no pull request opens.
    """
    place = layout.repository(owner.login, main.name)
    if not place.exists():
        fresh = _init(layout, main.intake)
        alternates = fresh.path / "objects" / "info" / "alternates"
        alternates.parent.mkdir(exist_ok=True)
        alternates.write_text(f"../../../{MAIN}/{main.name}.git/objects\n")
        heads = (f"refs/heads/{branch}" for branch in (main.intake, main.deploy))
        refs = main.git(layout).refs(*heads, "refs/tags/")
        lines = "".join(f"create {ref} {oid}\n" for ref, oid in refs.items())
        fresh.run("update-ref", "--stdin", stdin=lines)
        _put_in_place(fresh.path, place)
    found = fork_of(db, main, owner.login)
    if found:
        return found
    with writing(db):
        db.execute(
            "INSERT OR IGNORE INTO repo (name, owner_id, parent_id, intake, deploy)"
            " VALUES (?, ?, ?, ?, ?)",
            (main.name, owner.id, main.id, main.intake, main.deploy),
        )
    made = fork_of(db, main, owner.login)
    if made is None:
        raise ForgeError(f"forge.db: the fork {owner.login}/{main.name} was not kept; check it")
    return made


def _init(layout: Layout, head: str) -> Git:
    path = layout.building / f"{secrets.token_hex(8)}.git"
    path.parent.mkdir(parents=True, exist_ok=True)
    arguments = ["--bare", "--quiet", "--template=", f"--initial-branch={head}"]
    try:
        subprocess.run(
            ["git", "init", *arguments, str(path)],
            env=environment(layout),
            cwd=layout.root,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise ForgeError(
            f"{path}: git init failed ({error}); is there space on the disk?"
        ) from None
    return hosted(layout, path)


def _configure(git: Git, settings: dict[str, str]) -> None:
    for key, value in settings.items():
        git.run("config", key, value)


def _copy(fresh: Git, origin: Path) -> None:
    refspecs = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
    flags = ("--quiet", "--no-tags", "--no-write-fetch-head", "--update-head-ok")
    fresh.run("fetch", *flags, "--", str(origin.absolute()), *refspecs)


def _put_in_place(fresh: Path, place: Path) -> None:
    """A rename is all or nothing; whoever comes second throws theirs away."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        fresh.rename(place)
    except OSError:
        shutil.rmtree(fresh)
        if not (place / "objects").is_dir():
            raise ForgeError(f"{place}: in the way of a repository; move it elsewhere") from None


def remove_abandoned(layout: Layout) -> None:
    """What killed processes left half built."""
    for path in layout.building.glob("*.git"):
        if time.time() - path.stat().st_mtime > _ABANDONED:
            shutil.rmtree(path)
