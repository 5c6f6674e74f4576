"""What the rooms of `flow` need from outside; `wiring` builds the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Protocol

import sqlalchemy as sa

from intakebot import log
from intakebot.checks.prepare import Pantry
from intakebot.checks.sandbox import Sandbox
from intakebot.core.checkfile import Toolset
from intakebot.core.rules import Rule
from intakebot.flow.connect_words import Check
from intakebot.forges.api import Forge, SignIn
from intakebot.model import Repo, TryLater
from intakebot.notify.api import Channel
from intakebot.repo.mirror import Mirror
from intakebot.settings import QaHook
from intakebot.store import leases, work
from intakebot.store.database import Database

LEASE = timedelta(seconds=20)
RENEW = 5.0  # seconds
PATIENCE = timedelta(seconds=4)  # a nudge this old with nobody at work was lost


class Bell(Protocol):
    def ring(self, bells: Sequence[str]) -> None:
        """Wake somebody for each "kind:row". May be lost: the sweep finds what is due."""


@dataclass(frozen=True)
class House:
    database: Database
    forges: Mapping[str, Forge]
    rules: tuple[Rule, ...]
    rules_digest: str
    bell: Bell
    now: Callable[[], datetime]
    mirror: Callable[[Repo], Mirror]
    landing: Callable[[Repo], Mirror]  # the same mirror with the credential that may push
    sandbox: Callable[[], Sandbox]  # raises NoSandbox
    toolbox: Callable[[], Path | None]
    toolset: Callable[[], Toolset]
    pantry: Pantry
    public_url: str
    owner: str  # this process, in leases
    upkeep: Callable[[], Iterable[Check]] = tuple  # what an operator should know now
    sign_ins: Mapping[str, SignIn] = field(default_factory=dict)  # by the forge's name
    qa_hooks: Mapping[str, QaHook] = field(default_factory=dict)
    bodies_kept: timedelta | None = timedelta(days=30)  # of deliveries; None is for ever
    channel: Channel | None = None  # to people outside of the pages
    counting: Callable[[], int] = lambda: 0  # write down what reports need not count anew
    onboarding: Callable[[datetime], None] = lambda _: None  # tell of agencies new no longer
    stopping: Event = field(default_factory=Event)

    def tips(self, repo: Repo, branches: Sequence[str]) -> Mapping[str, str]:
        """Branch -> commit, as the forge serves them now; missing ones left out."""
        told = self.forges[repo.forge].tips(repo.id, branches)
        return self.mirror(repo).tips(repo.clone_url, branches) if told is None else told

    def later(self, seconds: float) -> datetime:
        return self.now() + timedelta(seconds=seconds)


@dataclass(slots=True)
class Lease:
    """`lost` turns True when somebody else has taken the row over.

    `over` is set by whoever has given it back already, together with what they wrote last.
    """

    fence: int
    lost: bool = False
    over: bool = False


@contextmanager
def held(house: House, table: sa.Table, row: int) -> Iterator[Lease | None]:
    """The row's lease, renewed in the background; None while somebody else has it."""
    with house.database.write() as connection:
        fence = leases.claim(connection, table, row, house.owner, house.now(), LEASE)
    if fence is None:
        yield None
        return
    lease = Lease(fence)
    try:
        with renewed(house, table, row, lease):
            yield lease
    finally:
        if not lease.over:
            with house.database.write() as connection:
                leases.release(connection, table, row, fence)


@contextmanager
def renewed(house: House, table: sa.Table, row: int, lease: Lease) -> Iterator[None]:
    """Renews a lease in the background while the block runs, and leaves it as it is then."""
    done = Event()
    renewer = Thread(target=_renew, args=(house, table, row, lease, done), daemon=True)
    renewer.start()
    try:
        yield
    finally:
        done.set()
        renewer.join()


def until_met(
    house: House, table: sa.Table, row: int, rounds: int, once: Callable[[Lease], bool]
) -> bool:
    """Work on a row under its lease until `done` meets `wanted`, or `once` says to stop.

    False when it is still due after so many rounds: somebody else should get a turn first.
    """
    for _ in range(rounds):
        with house.database.read() as connection:
            if not work.is_due(connection, table, row, house.now()):
                return True
        with held(house, table, row) as lease:
            # Whoever holds it sees our nudge: they work until the counters meet.
            if lease is None or not once(lease):
                return True
    return False


def keep(house: House, connection: sa.Connection, table: sa.Table, row: int, lease: Lease) -> None:
    """First in a transaction that writes: it is undone when the lease has gone to another."""
    if not leases.renew(connection, table, row, lease.fence, house.now(), LEASE):
        lease.lost = True
        raise TryLater("another worker has taken this over")


def _renew(house: House, table: sa.Table, row: int, lease: Lease, done: Event) -> None:
    while not done.wait(RENEW):
        try:
            with house.database.write() as connection:
                kept = leases.renew(connection, table, row, lease.fence, house.now(), LEASE)
        except TryLater as error:
            log.warning("lease not renewed", table=table.name, row=row, why=str(error))
            continue
        if not kept:
            lease.lost = True
            return
