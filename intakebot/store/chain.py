"""What was done, sealed: each receipt, landing and deployment is a link that names the one before.

Sealed in the transaction that ends what it seals, so nothing is done and left out. A row that is
changed, taken out or put in later no longer fits. Only cutting off the newest links together with
their rows goes unseen, unless somebody kept the tip: the log says it at every landing, and
`intakebot verify --holds` compares it.

Where somebody was erased, rows that named them say something else now. Their links stay, and the
erasure, a link itself, says which rows it rewrote and what they amount to since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from intakebot.store.tables import chain, erasures, landings, links, receipts, runs

Kind = Literal["receipt", "landing", "deployment", "erasure"]

# What a link vouches for. A column that comes later must not make the old links wrong, and what
# may still change after the link was made has no place here: a deployment has a link of its own.
RECEIPT = (
    *("id", "pull_id", "key", "kind", "state", "head", "rules_digest", "detail"),
    *("at", "done_at"),
)
LANDING = (
    *("id", "entry_id", "repo_id", "pull_id", "number", "branch", "head", "base", "commit", "tree"),
    *("checks", "facts_digest", "rules_digest", "author_id", "asked_by", "asked_login", "fence"),
    *("intended_at", "landed_at", "deploy_branch", "method", "tools_digest"),
)
DEPLOYMENT = ("id", "commit", "deploy_branch", "deployed_at")
ERASURE = ("id", "stand_in", "rewritten", "at")
SEALED: Mapping[str, tuple[sa.Table, Sequence[str]]] = {
    "receipt": (receipts, RECEIPT),
    "landing": (landings, LANDING),
    "deployment": (landings, DEPLOYMENT),
    "erasure": (erasures, ERASURE),
}


@dataclass(frozen=True, slots=True)
class Tip:
    """How many links there are, and the hash of the last one; "" when there is none."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Fault:
    """`row` is of the table that `kind` names, None where the link itself does not fit."""

    seq: int | None
    kind: str
    row: int | None
    what: str


@dataclass(frozen=True, slots=True)
class Seal:
    """One link with what it seals: `pull_id` is whose it is. `problem` is "" where it fits."""

    seq: int
    kind: str
    hash: str
    at: datetime
    pull_id: int | None
    what: str
    problem: str


def seal(connection: sa.Connection, kind: Kind, row: int, now: datetime) -> Tip:
    """Add a link for a row that is at its end; last in its transaction, for it locks the chain."""
    tip = connection.execute(sa.select(chain).with_for_update()).one()
    content = _content(connection, kind, row)
    if content is None:
        raise LookupError(f"there is no {kind} {row} to seal")
    link = {"seq": tip.seq + 1, "kind": kind, "row": row, "digest": _digest(content)}
    sealed = _hash(tip.hash, link)
    connection.execute(sa.insert(links).values(**link, hash=sealed, at=now))
    connection.execute(sa.update(chain).values(seq=link["seq"], hash=sealed))
    return Tip(tip.seq + 1, sealed)


def rewrite(
    connection: sa.Connection,
    stand_in: str,
    changed: Mapping[str, Collection[int]],
    now: datetime,
) -> int:
    """Own up to rows that were changed for an erasure, `changed` by table; how many were sealed.

    Ask `faults` before the change: what did not fit then would be covered up by this.
    """
    told = []
    for link in connection.execute(sa.select(links).order_by(links.c.seq)).all():
        table, _ = SEALED[link.kind]
        if link.row not in changed.get(table.name, ()):
            continue
        content = _content(connection, link.kind, link.row)
        says = None if content is None else _digest(content)
        if says is not None and says != link.digest:
            told.append([link.kind, link.row, says])
    row = connection.scalar(
        sa.insert(erasures)
        .values(stand_in=stand_in, rewritten=told, at=now)
        .returning(erasures.c.id)
    )
    seal(connection, "erasure", int(row or 0), now)
    return len(told)


def tip(connection: sa.Connection) -> Tip:
    found = connection.execute(sa.select(chain.c.seq, chain.c.hash)).one()
    return Tip(found.seq, found.hash)


def faults(connection: sa.Connection) -> Iterator[Fault]:
    """Whatever does not fit, in the chain's order; rows that were never sealed come last."""
    before, expected = "", 1
    rewritten = _rewritten(connection)
    for link in connection.execute(sa.select(links).order_by(links.c.seq)):
        named = {"seq": link.seq, "kind": link.kind, "row": link.row, "digest": link.digest}
        if link.seq != expected:
            yield Fault(link.seq, link.kind, None, f"link {expected} is missing")
        elif link.hash != _hash(before, named):
            yield Fault(link.seq, link.kind, None, "the link does not fit the one before it")
        content = _content(connection, link.kind, link.row)
        if content is None:
            yield Fault(link.seq, link.kind, link.row, "what it seals is gone")
        elif _digest(content) != rewritten.get((link.kind, link.row), link.digest):
            yield Fault(link.seq, link.kind, link.row, "what it seals was changed afterwards")
        before, expected = link.hash, link.seq + 1
    if tip(connection) != Tip(expected - 1, before):
        yield Fault(expected, "chain", None, f"its newest links are missing: {tip(connection)}")
    yield from _unsealed(connection)


def newest(connection: sa.Connection, limit: int, below: int | None = None) -> list[Seal]:
    """Links from the newest on, or from the one before `below`, each checked as `faults` does."""
    asked = sa.select(links).order_by(links.c.seq.desc()).limit(limit + 1)
    rows = connection.execute(asked.where(links.c.seq < below) if below else asked).all()
    before = {row.seq: row.hash for row in rows}
    rewritten = _rewritten(connection)
    found = []
    for row in rows[:limit]:
        sealed = _row(connection, row.kind, row.row)
        content = _told_by(connection, row.kind, sealed)
        named = {"seq": row.seq, "kind": row.kind, "row": row.row, "digest": row.digest}
        fits = row.hash == _hash(before.get(row.seq - 1, ""), named)
        says = rewritten.get((row.kind, row.row), row.digest)
        intact = content is not None and _digest(content) == says
        problem = "" if intact else "what it seals was changed or is gone"
        problem = problem if fits else "the link does not fit the one before it"
        found.append(
            Seal(
                *(row.seq, row.kind, row.hash, row.at),
                *(_pull_of(sealed), _told(row.kind, sealed), problem),
            )
        )
    return found


def _pull_of(row: sa.Row[Any] | None) -> int | None:
    return None if row is None else row._mapping.get("pull_id")


def _told(kind: str, row: sa.Row[Any] | None) -> str:
    if row is None:
        return ""
    if kind == "erasure":
        return f"somebody was erased, now {row.stand_in}: {len(row.rewritten)} entries rewritten"
    if kind == "receipt":
        return f"{row.kind}: {row.state}, for {row.head[:12]}"
    where = row.branch if kind == "landing" else row.deploy_branch
    return f"{row.commit[:12]} on {where}, asked by {row.asked_login}"


def holds(connection: sa.Connection, known: Tip) -> bool:
    """Whether a tip that somebody kept is still in the chain."""
    found = connection.scalar(sa.select(links.c.hash).where(links.c.seq == known.seq))
    return bool(found == known.hash)


def count(connection: sa.Connection) -> int:
    return int(connection.scalar(sa.select(sa.func.count()).select_from(links)) or 0)


def _hash(before: str, link: Mapping[str, Any]) -> str:
    return _digest([before, link["seq"], link["kind"], link["row"], link["digest"]])


def _rewritten(connection: sa.Connection) -> dict[tuple[str, int], str]:
    """(kind, row) -> digest of what the newest erasure left of it."""
    told = connection.scalars(sa.select(erasures.c.rewritten).order_by(erasures.c.id))
    return {(kind, row): digest for rows in told for kind, row, digest in rows}


def _content(connection: sa.Connection, kind: str, row: int) -> dict[str, Any] | None:
    """All that the link vouches for, as it stands in the database now; None when it is gone."""
    return _told_by(connection, kind, _row(connection, kind, row))


def _row(connection: sa.Connection, kind: str, row: int) -> sa.Row[Any] | None:
    if kind not in SEALED:
        return None
    table, _ = SEALED[kind]
    return connection.execute(sa.select(table).where(table.c.id == row)).one_or_none()


def _told_by(
    connection: sa.Connection, kind: str, found: sa.Row[Any] | None
) -> dict[str, Any] | None:
    if found is None:
        return None
    _, names = SEALED[kind]
    values = {name: _plain(found._mapping[name]) for name in names}
    return values | {"results": _results(connection, found.checks)} if kind == "landing" else values


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _results(connection: sa.Connection, ids: list[int]) -> list[list[Any]]:
    rows = connection.execute(
        sa.select(runs.c.id, runs.c.name, runs.c.digest, runs.c.tree, runs.c.outcome)
        .where(runs.c.id.in_(ids))
        .order_by(runs.c.id)
    )
    return [list(row) for row in rows]


def _unsealed(connection: sa.Connection) -> Iterator[Fault]:
    start = connection.execute(sa.select(chain)).one()
    ended: tuple[tuple[Kind, sa.Table, sa.ColumnElement[bool], int], ...] = (
        ("receipt", receipts, receipts.c.state != "sending", start.receipts_before),
        ("landing", landings, landings.c.landed_at.is_not(None), start.landings_before),
        ("deployment", landings, landings.c.deployed_at.is_not(None), start.landings_before),
        ("erasure", erasures, sa.true(), 0),
    )
    for kind, table, over, before in ended:
        sealed = sa.select(links.c.row).where(links.c.kind == kind)
        rows = connection.scalars(
            sa.select(table.c.id)
            .where(over, table.c.id > before, table.c.id.not_in(sealed))
            .order_by(table.c.id)
        )
        for row in rows:
            yield Fault(None, kind, row, "it was never sealed")
