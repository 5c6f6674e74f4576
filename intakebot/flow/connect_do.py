"""Does the steps of `connect`, each written down before it is done."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from intakebot.crash import crashpoint
from intakebot.flow.connect_check import is_public
from intakebot.flow.connect_find import clone_url
from intakebot.flow.connect_journal import Journal
from intakebot.flow.connect_plan import in_words, people
from intakebot.flow.connect_undo import undo, undoing
from intakebot.flow.connect_words import Desk, Prove, PutHook, Restrict, Step, TakeBack
from intakebot.forges.bitbucket_cloud.admin import WITH_PEOPLE, Admin, Repository
from intakebot.forges.bitbucket_cloud.admin_probe import delete_probe, push_probe
from intakebot.model import OperatorError, TryLater
from intakebot.repo.git import GitFailed
from intakebot.repo.land import Forbidden

Say = Callable[[str], None]


class NotProved(OperatorError):
    """The bot can't push under the restrictions it would have, or nobody `answered` whether it
    can; what was done is to be undone."""

    def __init__(self, text: str, *, answered: bool) -> None:
        super().__init__(text)
        self.answered = answered


@dataclass(frozen=True)
class Doing:
    """One repository being connected. `secret` is that of its hook."""

    desk: Desk
    admin: Admin
    repo: Repository
    journal: Journal
    secret: str
    say: Say

    def steps(self, steps: Sequence[Step]) -> None:
        """Raises NotProved, OperatorError naming the step, or TryLater; safe to repeat."""
        for step in steps:
            self.say(in_words(step))
            try:
                self._step(step)
            except NotProved:
                raise
            except OperatorError as error:
                raise OperatorError(f"could not {in_words(step)}: {error}") from error
            crashpoint("connect.mid")

    def _step(self, step: Step) -> None:
        match step:
            case PutHook():
                self._hook(step)
            case Restrict():
                self._restrict(step)
            case TakeBack(change, _):
                hooks = self.admin.hooks(self.repo)
                undo(self.admin, self.repo, undoing(change, hooks, self._rules()))
                self.journal.drop(change)
            case Prove(account):
                self._prove(account.id)

    def _hook(self, step: PutHook) -> None:
        events = self.desk.events
        change = {
            "what": "hook",
            "id": step.id,
            "before": None,
            "after": {"url": step.url, "events": sorted(events), "secret": step.mark},
        }
        was = self.journal.entry(change)
        self.journal.intend(change)
        try:
            made = self.admin.put_hook(self.repo, step.id, step.url, events, self.secret)
        except OperatorError as error:
            if is_public(urlsplit(step.url).hostname or ""):
                raise
            self.journal.put_back(change, was)
            self.say(f"no webhook, so that people wait for the bot to look by itself: {error}")
            return
        crashpoint("connect.mid")
        self.journal.done(change, made.id)

    def _restrict(self, step: Restrict) -> None:
        change: dict[str, Any] = {
            "what": "restriction",
            "kind": step.kind,
            "pattern": step.pattern,
            "id": str(step.id or ""),
            "before": step.before,
            "after": {"users": sorted(step.users), "groups": []},
        }
        self._must_be_as_seen(step)
        self.journal.intend(change)
        made = self.admin.put_restriction(
            self.repo, step.id, step.kind, step.pattern, step.users, ()
        )
        crashpoint("connect.mid")
        self.journal.done(change, str(made.id))

    def _must_be_as_seen(self, step: Restrict) -> None:
        """What somebody sets meanwhile is not overwritten unseen. A new one can't be: the product
        refuses a second one of a kind."""
        if step.id is None:
            return
        there = next((rule for rule in self._rules() if rule.id == step.id), None)
        if there is None or people(there) != step.seen:
            raise OperatorError("somebody changed it meanwhile; run this once more")

    def _prove(self, account: str) -> None:
        """Under a restriction on that very name; raises NotProved."""
        unproved = [
            one for one in self.journal.changes if one["what"] == "proof" and not one["done"]
        ]
        for left in unproved:
            undo(self.admin, self.repo, undoing(left, (), self._rules()))
            self.journal.drop(left)
        branch = f"intake/probe-{secrets.token_hex(4)}"
        change = {"what": "proof", "account": account, "id": branch, "before": None, "after": None}
        self.journal.intend(change)
        mirror, url = self.desk.land(self.repo.id), clone_url(self.desk, self.repo)
        try:
            rule = self.admin.put_restriction(self.repo, None, WITH_PEOPLE[0], branch, (account,))
            crashpoint("connect.mid")
            push_probe(mirror, url, branch)
            crashpoint("connect.mid")
            delete_probe(mirror, url, branch)
        except (OperatorError, TryLater, GitFailed) as error:
            answered = not isinstance(error, TryLater) or isinstance(error, Forbidden)
            raise NotProved(
                f"the bot could not show that it can push: {error}", answered=answered
            ) from error
        self.admin.delete_restriction(self.repo, rule.id)
        self.journal.done(change, branch)

    def _rules(self) -> Any:
        return self.admin.restrictions(self.repo)


def undo_all(
    admin: Admin, repo: Repository, journal: Journal, say: Say, *, only_unfinished: bool = False
) -> list[str]:
    """Undo recorded changes, newest first; what could not be undone stays recorded.

    `only_unfinished` keeps those that were done. Returns what went wrong, a sentence each.
    """
    faults: list[str] = []
    hooks, rules = admin.hooks(repo), admin.restrictions(repo)
    for change in reversed(list(journal.changes)):
        if only_unfinished and change["done"]:
            continue
        one = undoing(change, hooks, rules)
        if one.says:
            say(one.says)
        try:
            undo(admin, repo, one)
        except (OperatorError, TryLater) as error:
            faults.append(f"could not {one.says}: {error}")
            continue
        crashpoint("connect.mid")
        journal.drop(change)
    return faults
