"""What is left to do until a repository is connected. Pure: from what is there, to steps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from intakebot.core.dialect import is_nonce
from intakebot.core.escape import visible
from intakebot.core.tried import BRANCHES
from intakebot.flow.connect_undo import find_hook, find_restriction, undoing
from intakebot.flow.connect_words import (
    Change,
    Found,
    Prove,
    PutHook,
    Restrict,
    Step,
    TakeBack,
    Wish,
)
from intakebot.forges.bitbucket_cloud.admin import KINDS, WITH_PEOPLE, Hook, Restriction
from intakebot.model import Account

# External checks are tried on these: the bot moves and deletes them, and nobody else writes them.
TRIED, PUSH = f"{BRANCHES}*", "push"


def mark(secret: str) -> str:
    """Tells one secret from another; the secrets are HMACs, so that nothing can be guessed."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


def adopted_nonce(hooks: Sequence[Hook], door: str) -> str:
    """Of a hook that leads to this house, though the house has forgotten it; "" for none."""
    ends = (hook.url.removeprefix(door) for hook in hooks if hook.url.startswith(door))
    return next((end for end in ends if is_nonce(end)), "")


def plan(
    found: Found,
    wish: Wish,
    bot: Account,
    changes: Sequence[Change],
    hook: tuple[str, str, frozenset[str]],
) -> list[Step]:
    """The steps in the order they are to be done; empty when all is as it should be.

    The proof comes first, so that one that fails has touched no branch of anybody's.

    `hook` is its address, the mark of its secret and its events.
    """
    restricting = list(_restrictions(found, wish, bot, changes))
    proved = any(
        one["what"] == "proof" and one["done"] and one["account"] == bot.id for one in changes
    )
    steps: list[Step] = [] if proved and not restricting else [Prove(bot)]
    steps += _hook(found.hooks, changes, *hook)
    steps += restricting
    steps += _no_longer(found, wish, changes)
    return steps


def _hook(
    hooks: Sequence[Hook],
    changes: Sequence[Change],
    url: str,
    secret_mark: str,
    events: frozenset[str],
) -> Iterator[PutHook]:
    there = find_hook(hooks, url)
    if there is None:
        yield PutHook("", url, secret_mark, "install the webhook")
        return
    recorded = next((one for one in changes if one["what"] == "hook" and one["done"]), None)
    whys = [] if there.url == url else [f"it leads to {visible(there.url, 200)}"]
    if there.events != events:
        whys.append("its events are not the needed ones")
    if not there.active:
        whys.append("it is switched off")
    if recorded is None:
        whys.append("nobody here knows its secret")
    elif recorded["after"].get("secret") != secret_mark or not there.has_secret:
        whys.append("its secret is another one")
    if whys:
        yield PutHook(there.id, url, secret_mark, f"mend the webhook: {', '.join(whys)}")


def _restrictions(
    found: Found, wish: Wish, bot: Account, changes: Sequence[Change]
) -> Iterator[Restrict]:
    rules = [(branch, kind) for branch in wish.branches for kind in KINDS]
    for branch, kind in (*rules, (TRIED, PUSH)):
        there = find_restriction(found.restrictions, kind, branch)
        users = (bot.id,) if kind in WITH_PEOPLE else ()
        if there and (there.user_ids, there.groups) == (frozenset(users), frozenset()):
            continue
        yield Restrict(
            id=there.id if there else None,
            kind=kind,
            pattern=branch,
            users=users,
            seen=people(there) if there else None,
            before=_before(there, _recorded(changes, kind, branch)),
            says=_says(kind, branch, bot, there),
        )


def _recorded(changes: Sequence[Change], kind: str, branch: str) -> Change | None:
    ours = (one for one in changes if one["what"] == "restriction")
    return next((one for one in ours if (one["kind"], one["pattern"]) == (kind, branch)), None)


def _before(there: Restriction | None, recorded: Change | None) -> Mapping[str, Any] | None:
    """What `disconnect` is to put back: how it was before the first of our changes."""
    if there is None:
        return None
    now = people(there)
    if recorded is not None and (not recorded["done"] or recorded["after"] == now):
        before: Mapping[str, Any] | None = recorded["before"]
        return before
    return now


def people(rule: Restriction) -> dict[str, list[str]]:
    return {"users": sorted(rule.user_ids), "groups": sorted(rule.groups)}


_DOES = {
    "push": "let only {bot} push to {branch}",
    "restrict_merges": "let only {bot} merge into {branch}",
    "force": "let nobody rewrite the history of {branch}",
    "delete": "let nobody delete {branch}",
}


def _says(kind: str, branch: str, bot: Account, there: Restriction | None) -> str:
    said = _DOES[kind].format(bot=visible(bot.display, 80), branch=visible(branch, 80))
    if there is None or kind not in WITH_PEOPLE:
        return said
    others = [*(visible(user.display, 80) for user in there.users if user.id != bot.id)]
    others += [f"the group {visible(group, 80)}" for group in sorted(there.groups)]
    return f"{said} ({', '.join(others)} could until now)" if others else said


def _no_longer(found: Found, wish: Wish, changes: Sequence[Change]) -> Iterator[TakeBack]:
    for one in changes:
        if one["what"] == "restriction" and one["pattern"] not in (*wish.branches, TRIED):
            yield TakeBack(one, undoing(one, found.hooks, found.restrictions).says)


def in_words(step: Step) -> str:
    match step:
        case PutHook(id, url, _, why):
            return f"{why} at {url if id else url.rpartition('/')[0]}"
        case Restrict() | TakeBack():
            return step.says
        case Prove(account):
            return (
                f"prove that {visible(account.display, 80)} can still push, with a branch under a "
                "restriction of its own that is deleted at once"
            )
