"""What a refused pusher reads on the terminal: why, and the lines that work instead."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from intakebot.gitforge.hooks.decide import Refusal, Rights, Update
from intakebot.gitforge.plumbing import ZERO, Git
from intakebot.gitforge.repositories import BRANCH_NAMES
from intakebot.gitforge.wishes import plain

MOST_SHOWN = 5
LONGEST_SLUG = 60


class Place(NamedTuple):
    """Where the push went and where it should have gone.

    `fork_url` carries the pusher's login; "" when they can have no fork. `fork_tip` answers
    the commit a branch of that fork is at, None when it has no such branch.
    """

    name: str
    fork_url: str
    owner: str  # of somebody else's fork; "" for a main repository
    fork_tip: Callable[[str], str | None]


def say(lines: Sequence[str]) -> None:
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.stderr.flush()


def refusal_text(refused: Sequence[Refusal], rights: Rights, place: Place, git: Git) -> list[str]:
    shown = refused[:MOST_SHOWN]
    lines = [f"intakebot: {_why(refusal, rights, place)}" for refusal in shown]
    if len(refused) > len(shown):
        lines.append(f"intakebot: and {len(refused) - len(shown)} more were refused.")
    movable = [refusal.update for refusal in shown if _movable(refusal, rights)]
    if movable and place.fork_url:
        lines += _commands(movable, rights.protected, place, git)
    return lines


def _movable(refusal: Refusal, rights: Rights) -> bool:
    """Commits for a branch, from somebody who has a fork to put them into."""
    update = refusal.update
    return (
        refusal.kind in ("direct-push", "force-push")
        and update.branch is not None
        and update.new != ZERO
        and not rights.land
    )


def _why(refusal: Refusal, rights: Rights, place: Place) -> str:
    name = plain(refusal.update.short, 100)
    if refusal.kind == "bad-ref":
        return (
            f"{plain(refusal.update.ref, 100)} is not a name for a branch or a tag here. Under"
            f" refs/heads/ or refs/tags/ use {BRANCH_NAMES}."
        )
    if refusal.kind == "deletion" and name in rights.protected:
        return f"{name} of {place.name} is never deleted, by anybody."
    if refusal.kind == "force-push" and rights.land:
        return f"{name} of {place.name} only moves forward; fetch it and build on its tip."
    if place.owner:
        return f"this is {place.owner}'s fork, and only {place.owner} pushes to it."
    if refusal.update.branch is None or refusal.kind == "deletion":
        return f"{name} of {place.name} can be changed only by people with write permission."
    return f"{name} takes changes only as pull requests from your fork."


def _commands(
    updates: Sequence[Update], protected: Collection[str], place: Place, git: Git
) -> list[str]:
    count = "two" if len(updates) == 1 else str(len(updates) + 1)
    return [
        f"Your commits are safe, nothing is lost. Run these {count} lines:",
        "",
        f"    git remote add fork {place.fork_url}",
        *(
            f"    git push fork {update.new[:12]}:refs/heads/{branch}"
            for update in updates
            for branch in [_branch(update, protected, place, git)]
        ),
        "",
        "A pull request then opens by itself, and its address is printed here.",
    ]


def _branch(update: Update, protected: Collection[str], place: Place, git: Git) -> str:
    """A name that the fork can take without force."""
    own = update.branch or ""
    name = own if own not in protected else slug(git.subject(update.new), update.new)
    there = place.fork_tip(name)
    if there is None or git.contains(update.new, there):
        return name
    return f"{name}-{update.new[:7]}"


def slug(subject: str, commit: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", subject).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_only.lower())
    return words[:LONGEST_SLUG].strip("-") or f"change-{commit[:7]}"
