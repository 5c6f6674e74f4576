"""What changed in a pull request since somebody approved it, as it would land either time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from intakebot.model import Command, Pull, Said
from intakebot.repo.change import merge_tree
from intakebot.repo.git import Git


@dataclass(frozen=True, slots=True)
class Approval:
    by: str
    head: str
    at: datetime


def last_approval(commands: Iterable[Command], live: Pull | None, head: str) -> Approval | None:
    """The newest one, if it was for another commit than `head`, the one that is shown.

    Given by a command or, where the forge has them, by its own review; whether it still counts
    does not matter here.
    """
    given = [
        Approval(one.by.display, one.head, one.at)
        for one in commands
        if one.name == "approve" and one.said is Said.DONE
    ]
    given += [
        Approval(one.by.display, one.head, one.at)
        for one in (live.reviews if live else ())
        if one.state == "approved" and one.head
    ]
    newest = max(given, key=lambda one: one.at, default=None)
    return newest if newest and newest.head != head else None


def sides(git: Git, base: str, then: str, now: str) -> tuple[str, str]:
    """What is compared: both merged into the same target, so that what others have landed there
    meanwhile is no part of it. Where one does not merge, the commits themselves."""
    (before, _), (after, _) = merge_tree(git, base, then), merge_tree(git, base, now)
    return (before, after) if before and after else (then, now)
