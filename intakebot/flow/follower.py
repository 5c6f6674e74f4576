"""Looks after workspaces and projects that are followed: what is new comes behind the gate.

That takes an administrator's token. Where the house has none, or a repository can't be
connected, an alarm says once which one is outside and what to run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event

from intakebot import log
from intakebot.core.escape import visible
from intakebot.flow import connect as connecting
from intakebot.flow import follow
from intakebot.flow.connect_alone import Busy
from intakebot.flow.connect_check import check_house
from intakebot.flow.connect_journal import is_finished, known
from intakebot.flow.connect_tokens import PURPOSES, look_at_tokens
from intakebot.flow.connect_words import FORGE, Desk, Purpose
from intakebot.forges.bitbucket_cloud.admin import Admin, Repository
from intakebot.forges.bitbucket_cloud.allowance import LISTS_LEAVE
from intakebot.model import Incident, OperatorError, TryLater
from intakebot.repo.git import GitFailed
from intakebot.store import follows, incidents, work
from intakebot.store.follows import Follow
from intakebot.store.locks import only_one

EVERY = 600.0  # seconds between looks
AGAIN = timedelta(hours=1)  # between tries at a repository that could not be connected
NO_TOKEN = "the house has no administrator's token to connect it with"  # noqa: S105 - a sentence
_FAULTS = (OperatorError, TryLater, GitFailed)


@dataclass
class Follower:
    """`tried` are repositories that could not be connected: when, and why."""

    desk: Desk
    tried: dict[str, tuple[datetime, str]] = field(default_factory=dict)

    def run(self, stop: Event) -> None:
        while not stop.is_set():
            try:
                self.look()
            except TryLater as error:
                log.warning("following put off", why=str(error))
            except Exception:
                log.bug("following failed")
            stop.wait(EVERY)

    def look(self) -> None:
        """Once round; one place or repository that fails keeps none of the others waiting."""
        with only_one(self.desk.database, "follow") as free:
            if not free:  # another clock of this house is at it
                return
            outside = [self._outside(one) for one in follow.followed(self.desk)]
        if None not in outside:  # else nobody knows which alarms are over
            follow.over(self.desk, {id for ids in outside for id in ids or ()})

    def _outside(self, one: Follow) -> set[str] | None:
        """Ids of repositories that are outside afterwards; None where it could not be told."""
        try:
            return self._look_at(one)
        except _FAULTS as error:
            log.warning("not followed now", place=one.place, why=str(error))
            self._note(one, str(error))
            return None

    def _look_at(self, one: Follow) -> set[str]:
        admin = self._admin()
        left: set[str] = set()
        for repo in self._new(admin, one):
            why = self._try(admin, one, repo) if admin.purpose == "admin" else NO_TOKEN
            if why:
                left.add(repo.id)
                self._alarm(repo, why)
        self._note(one, "" if admin.purpose == "admin" else NO_TOKEN)
        return left

    def _admin(self) -> Admin:
        """With the bot's own token, where there is no other, it sees what the bot may see."""
        purposes: tuple[Purpose, ...] = ("admin", "read")
        for purpose in purposes:
            if purpose in self.desk.apis:
                return Admin(self.desk.apis[purpose], purpose, LISTS_LEAVE)
        raise OperatorError("no token of Bitbucket Cloud is set")

    def _new(self, admin: Admin, one: Follow) -> list[Repository]:
        """An empty repository has nothing to guard yet; one half connected is not connected."""
        connected = {row.forge_id for row in known(self.desk.database) if is_finished(row)}
        found = admin.repositories(one.workspace_id, one.project)
        return [
            repo
            for repo in found
            if repo.main and repo.id not in connected and repo.id not in one.left_out
        ]

    def _try(self, admin: Admin, one: Follow, repo: Repository) -> str:
        """Why it could not be connected, "" when it was."""
        at, why = self.tried.get(repo.id, (None, ""))
        if at is not None and self.desk.now() - at < AGAIN:
            return why
        why = self._connect(admin, one, repo)
        self.tried.pop(repo.id, None)
        if why:
            self.tried[repo.id] = (self.desk.now(), why)
        return why

    def _connect(self, admin: Admin, one: Follow, repo: Repository) -> str:
        try:
            tokens = look_at_tokens(self.desk, PURPOSES)
            checks = [*tokens.checks, *check_house(self.desk.public_url, self.desk.masters)]
            if why := connecting.in_the_way(checks):
                return why
            branches = (one.intake, one.deploy)
            done = connecting.bring(self.desk, admin, repo, tokens, branches)
        except Busy:
            return ""
        except _FAULTS as error:
            return str(error)
        if why := connecting.in_the_way(done.checks):
            return why
        log.info("connected by following", repo=repo.name, place=one.place)
        return ""

    def _alarm(self, repo: Repository, why: str) -> None:
        name = visible(repo.name, 120)
        alarm = Incident(
            id=f"{incidents.OUTSIDE}:{repo.id}",
            kind=incidents.OUTSIDE,
            repo=repo.id,
            by=follow.HOUSE,
            at=self.desk.now(),
            ref="",
            detail=f"{name} is not behind the gate: {why}. "
            f"Run: intakebot connect {FORGE} {name} --yes",
        )
        with self.desk.database.write() as connection:
            row = work.repo_row(connection, FORGE, repo.id)
            work.describe_repo(connection, row, name=repo.name)
            new = incidents.raise_alarm(connection, row, alarm, follow.HOUSE.login)
        if new:
            log.warning("not behind the gate", repo=repo.name, why=why)

    def _note(self, one: Follow, problem: str) -> None:
        with self.desk.database.write() as connection:
            follows.change(connection, one.id, looked_at=self.desk.now(), problem=problem)
