"""Which updates of one push are refused, and what each refusal is called."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from intakebot.gitforge.plumbing import ZERO
from intakebot.gitforge.repositories import valid_branch

HEADS, TAGS = "refs/heads/", "refs/tags/"
TRIED = "intake/try/"  # where the bot alone makes, moves and deletes branches


class Update(NamedTuple):
    """One line that git gives to a hook."""

    old: str
    new: str
    ref: str

    @property
    def branch(self) -> str | None:
        return self.ref.removeprefix(HEADS) if self.ref.startswith(HEADS) else None

    @property
    def short(self) -> str:
        return self.ref.removeprefix(HEADS).removeprefix(TAGS)


class Rights(NamedTuple):
    """`land` may move branches forward, and do what it likes to those that changes are tried on;
    `write` may do anything to all but the protected ones, `owner` to all.

    `first` is the protected branch that `write` may make while it does not exist yet: somebody
    has to put the first commit into an empty repository.
    """

    protected: Collection[str]
    first: str = ""
    land: bool = False
    write: bool = False
    owner: bool = False


class Refusal(NamedTuple):
    update: Update
    kind: str  # bad-ref, deletion, force-push, direct-push


def parse(line: str) -> Update:
    old, new, ref = line.rstrip("\n").split(" ", 2)
    return Update(old, new, ref)


def refuse(update: Update, rights: Rights, rewrites: Callable[[Update], bool]) -> Refusal | None:
    """`rewrites` says whether the update takes commits away; it is asked only when it matters."""
    if not _allowed_name(update.ref):
        return Refusal(update, "bad-ref")
    if rights.owner:
        return None
    tried = update.branch is not None and update.branch.startswith(TRIED)
    if rights.land and tried:
        return None
    protected = tried or (update.branch is not None and update.branch in rights.protected)
    makes_first = update.old == ZERO and update.branch == rights.first
    if rights.write and (makes_first or not protected):
        return None
    if update.new == ZERO:
        return Refusal(update, "deletion")
    if rewrites(update):
        return Refusal(update, "force-push")
    if rights.land and update.branch is not None:
        return None
    return Refusal(update, "direct-push")


def _allowed_name(ref: str) -> bool:
    prefix = next((prefix for prefix in (HEADS, TAGS) if ref.startswith(prefix)), None)
    return prefix is not None and valid_branch(ref.removeprefix(prefix))
