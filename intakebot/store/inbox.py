"""Deliveries, each kept once with its bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from intakebot.model import Delivery, Event, Ignored
from intakebot.store import connections, work
from intakebot.store.straight import Straight
from intakebot.store.tables import deliveries, repos

Item = tuple[Delivery, Event | Ignored]

# Built once, here and in `work`: building a statement costs more than running it.
_STORED = sa.select(deliveries.c.id).where(
    deliveries.c.forge == sa.bindparam("forge"), deliveries.c.delivery_id == sa.bindparam("id")
)
_INSERTED = sa.insert(deliveries).inline()  # nobody asks for the new rows' ids


class Repeated(Exception):
    """One of those that were taken for new is there already: nothing of them may be committed."""


@dataclass(frozen=True, slots=True)
class Kept:
    """`new` says of each item whether it is no repeat; `bells` are to be rung afterwards."""

    new: Sequence[bool]
    bells: Sequence[str]  # "look:5", "survey:2"


def keep(
    connection: Straight,
    batch: Sequence[Item],
    by_connection: Collection[str] = (),
    *,
    all_new: bool = False,
) -> Kept:
    """Store deliveries and nudge what they speak of, in the caller's transaction.

    With `all_new` they are not looked for first, which most of them can do without; Repeated is
    raised when one is there. Then the transaction is spent, and they are to be kept without it.
    `by_connection` are forges where only connected repositories matter, each by its own hook.
    One nudge is enough for all that speak of the same pull request: each is done when it is.
    """
    new = [True] * len(batch) if all_new else _which_are_new(connection, [one for one, _ in batch])
    heard = [
        (one, _heard(connection, one, event, by_connection))
        for (one, event), is_new in zip(batch, new, strict=True)
        if is_new
    ]
    if not heard:
        return Kept(new, [])
    now = max(one.received_at for one, _ in heard)
    about = {_about(event) for _, event in heard if isinstance(event, Event)}
    # Always in the same order, so that two processes never wait for each other.
    ordered = sorted(about, key=lambda one: (*one[:2], one[2] or 0))
    nudged = {one: _nudge(connection, one, now) for one in ordered}
    # Whole at once: to change a row later, SQLite would write its body anew.
    rows = [_row(one, event, nudged) for one, event in heard]
    try:
        connection.execute(_INSERTED, rows)
    except sa.exc.IntegrityError as error:
        if all_new:
            raise Repeated from error
        raise
    return Kept(new, list(dict.fromkeys(each.bell for each in nudged.values())))


def _which_are_new(connection: Straight, batch: Sequence[Delivery]) -> list[bool]:
    seen: set[tuple[str, str]] = set()
    new = []
    for one in batch:
        name = one.forge, one.id
        is_stored = connection.execute(_STORED, {"forge": one.forge, "id": one.id})
        new.append(name not in seen and not is_stored)
        seen.add(name)
    return new


def _heard(
    connection: Straight,
    delivery: Delivery,
    event: Event | Ignored,
    by_connection: Collection[str],
) -> Event | Ignored:
    """A hook speaks for the repository that it was made for, whoever has come by its secret."""
    if not isinstance(event, Event) or event.forge not in by_connection:
        return event
    nonce = connections.nonce(connection, event.forge, event.repo)
    if nonce is None:
        return Ignored("its repository is not connected")
    if delivery.nonce is not None and delivery.nonce != nonce:
        return Ignored("its hook was made for another repository")
    return event


About = tuple[str, str, int | None]  # forge, the forge's repository id, number


@dataclass(frozen=True, slots=True)
class _Nudged:
    """Rows of ours, and the count that a later `done` must reach."""

    repo: int
    pull: int | None
    wanted: int

    @property
    def bell(self) -> str:
        return f"survey:{self.repo}" if self.pull is None else f"look:{self.pull}"


def _nudge(connection: Straight, about: About, now: datetime) -> _Nudged:
    forge, repo, number = about
    if number is not None:
        return _Nudged(*work.nudge_pull(connection, forge, repo, number, now))
    row = work.repo_row(connection, forge, repo)
    return _Nudged(row, None, work.nudge(connection, repos, row, now))


def _about(event: Event) -> About:
    return event.forge, event.repo, event.number


def _row(
    delivery: Delivery, event: Event | Ignored, nudged: Mapping[About, _Nudged]
) -> dict[str, object]:
    row: dict[str, object] = {
        "forge": delivery.forge,
        "delivery_id": delivery.id,
        "received_at": delivery.received_at,
        "headers": dict(delivery.headers),
        "body": delivery.body,
        "body_sha256": hashlib.sha256(delivery.body).hexdigest(),
        **dict.fromkeys(("kind", "actor", "ignored"), ""),
        **dict.fromkeys(("repo_id", "pull_id", "wanted")),
    }
    if isinstance(event, Ignored):
        return row | {"ignored": event.why}
    at = nudged[_about(event)]
    return row | {
        "kind": event.kind.value,
        "actor": event.actor or "",
        "repo_id": at.repo,
        "pull_id": at.pull,
        "wanted": at.wanted,
    }
