"""Take back what `connect` changed, and leave what others have changed since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from intakebot.core.escape import visible
from intakebot.flow.connect_words import Change
from intakebot.forges.bitbucket_cloud.admin import (
    WITH_PEOPLE,
    Admin,
    Hook,
    Repository,
    Restriction,
)


@dataclass(frozen=True, slots=True)
class Undo:
    """`do` says what happens at the forge; `id` is what it happens to."""

    do: Literal["remove", "put back", "leave", "nothing", "clean up"]
    change: Change
    id: str
    says: str


def find_restriction(
    restrictions: Sequence[Restriction], kind: str, pattern: str
) -> Restriction | None:
    """The product allows one of a kind for a pattern."""
    ours = (one for one in restrictions if (one.kind, one.pattern) == (kind, pattern))
    return next(ours, None)


def find_hook(hooks: Sequence[Hook], url: str) -> Hook | None:
    """By the nonce that its address ends in: the house may have had another address once."""
    nonce = url.rpartition("/")[2]
    return next((hook for hook in hooks if hook.url.rpartition("/")[2] == nonce), None)


def undoing(change: Change, hooks: Sequence[Hook], restrictions: Sequence[Restriction]) -> Undo:
    """What to do about one recorded change, as things are now. Pure."""
    match change["what"]:
        case "hook":
            return _hook(change, hooks)
        case "restriction":
            return _restriction(change, restrictions)
        case _:
            return _proof(change, restrictions)


def _hook(change: Change, hooks: Sequence[Hook]) -> Undo:
    there = find_hook(hooks, change["after"]["url"])
    if there is not None:
        return Undo("remove", change, there.id, f"remove the webhook at {there.url}")
    moved = next((hook for hook in hooks if change["id"] and hook.id == change["id"]), None)
    if moved is not None:
        said = f"leave the webhook {moved.id}: somebody has led it to {visible(moved.url, 200)}"
        return Undo("leave", change, moved.id, said)
    return Undo("nothing", change, "", "the webhook is gone already")


def _restriction(change: Change, restrictions: Sequence[Restriction]) -> Undo:
    kind, pattern = change["kind"], change["pattern"]
    named = f"the restriction {kind} on {visible(pattern, 80)}"
    there = find_restriction(restrictions, kind, pattern)
    if there is None:
        return Undo("nothing", change, "", f"{named} is gone already")
    id = str(there.id)
    now = {"users": sorted(there.user_ids), "groups": sorted(there.groups)}
    if kind in WITH_PEOPLE and now != change["after"]:
        if not change["done"]:
            return Undo("nothing", change, id, f"{named} was not changed yet")
        through = [visible(user.display, 80) for user in there.users]
        through += [f"the group {visible(group, 80)}" for group in sorted(there.groups)]
        said = f"it lets {', '.join(through) or 'nobody'} through now"
        return Undo("leave", change, id, f"leave {named}: somebody has changed it, {said}")
    if change["before"] is None:
        return Undo("remove", change, id, f"remove {named}")
    return Undo("put back", change, id, f"put back whom {named} let through before")


def _proof(change: Change, restrictions: Sequence[Restriction]) -> Undo:
    if change["done"]:
        return Undo("nothing", change, "", "")
    branch = change["id"]
    there = find_restriction(restrictions, "push", branch)
    said = f"clean up the branch {branch}, which only proved something"
    return Undo("clean up", change, str(there.id) if there else "", said)


def undo(admin: Admin, repo: Repository, one: Undo) -> None:
    """At the forge. Doing it twice does it once."""
    change = one.change
    match one.do, change["what"]:
        case "remove", "hook":
            admin.delete_hook(repo, one.id)
        case "remove", _:
            admin.delete_restriction(repo, int(one.id))
        case "put back", _:
            before = change["before"]
            admin.put_restriction(
                repo,
                int(one.id),
                change["kind"],
                change["pattern"],
                before["users"],
                before["groups"],
            )
        case "clean up", _:
            if one.id:  # first: it lets nobody but the bot delete the branch
                admin.delete_restriction(repo, int(one.id))
            admin.delete_branch(repo, change["id"])
