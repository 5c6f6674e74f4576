"""Where things stand beyond single pull requests: today, lanes, incidents, people, the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from intakebot.core.roster import may_decide, may_thaw
from intakebot.model import Role, Turn
from intakebot.store import assessments, chain, incidents, lanes, listing, notices, people
from intakebot.store import pages as store
from intakebot.store.lanes import EntryRow
from intakebot.store.listing import Filter, Order, PullLine, Scope
from intakebot.store.pages import Lane
from intakebot.web.front import front
from intakebot.web.live import watch_house
from intakebot.web.pages import page_number, visiting
from intakebot.web.shown import page, whose_turn
from intakebot.web.visitor import Visitor, signed_in

if TYPE_CHECKING:
    from intakebot.report.build import Agency

MOST = 50  # of one kind on the page of today
EACH = 50  # on one page of a list
RECENT = 20  # landings that say how long it usually takes

CLEAR = ("at risk", "ready")  # advice that asks for a decision

overview = Blueprint("overview", __name__)


# --- today ----------------------------------------------------------------------------

# Who has something to do at which turn.
_TURNS = {
    Role.OWNER: (Turn.MAINTAINER, Turn.REVIEWER, Turn.OPERATOR),
    Role.MAINTAINER: (Turn.MAINTAINER, Turn.REVIEWER, Turn.OPERATOR),
    Role.MANAGER: (Turn.MAINTAINER,),
}


@overview.get("/today")
@signed_in
def today() -> ResponseReturnValue:
    visitor = visiting()
    turns = {turn for role in visitor.person.roles for turn in _TURNS.get(role, ())}
    oldest = Filter(turns=(Turn.AUTHOR,), order=Order.OLDEST)
    with front().house.database.read() as connection:
        mine = _open(connection, Scope(visitor.forge, visitor.person.id), oldest)
        team = _open(
            connection, visitor.scope, Filter(turns=tuple(sorted(turns)), order=Order.OLDEST)
        )
        return page(
            "today.html",
            mine=mine,
            team=[line for line in team if line.author_id != visitor.person.id] if turns else [],
            has_turns=bool(turns),
            frozen=incidents.unanswered(connection) if visitor.sees_all else [],
            outside=incidents.outside(connection) if visitor.sees_all else [],
            lanes=store.troubled_lanes(connection) if visitor.sees_all else [],
            troubled=listing.troubled_pulls(connection, 20) if visitor.sees_all else [],
            undecided=_undecided(connection, visitor),
            most=MOST,
            turn=whose_turn,
            watch=watch_house(connection),
        )


def _open(connection: sa.Connection, scope: Scope, asked: Filter) -> list[PullLine]:
    found = listing.list_pulls(connection, scope, asked, limit=MOST + 1)
    return [line for line in found if line.open]


def _undecided(connection: sa.Connection, visitor: Visitor) -> list[tuple[str, str]]:
    """Agencies that somebody should decide on, and the advice: those that are new no longer, and
    where a report is at hand also where its advice is clear and not that of the last decision."""
    if not may_decide(visitor.person):
        return []
    found = dict(notices.undecided(connection))
    report = front().reports.at_hand()
    if report is not None:
        # Not the report's own: somebody may have decided since it was made.
        decided = {row.agency: row.advice for row in assessments.all_decisions(connection)}
        now = front().house.now()
        found |= {
            one.name: one.numbers.verdict
            for one in report.agencies
            if _asks(one, decided.get(one.name), now)
        }
    return sorted(found.items())


def _asks(agency: Agency, decided: str | None, now: datetime) -> bool:
    """`decided` is the advice at the last decision."""
    from intakebot.report.onboarding import is_settled  # what counts takes a second to load

    advice = agency.numbers.verdict
    if decided is not None:
        return advice in CLEAR and decided != advice
    return advice in CLEAR or is_settled(agency, now)


# --- lanes ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Queue:
    """`usual` is how long the last ones took from being asked for, None where none has landed."""

    lane: Lane
    waiting: Sequence[EntryRow]
    usual: timedelta | None

    def expected(self, entry: EntryRow) -> datetime | None:
        return entry.asked_at + self.usual if self.usual is not None else None


@overview.get("/lanes")
@signed_in
def all_lanes() -> ResponseReturnValue:
    _team_only()
    with front().house.database.read() as connection:
        found = [_queue(connection, lane) for lane in store.all_lanes(connection)]
        recent = {
            one.lane.id: lanes.recent(connection, one.lane.repo_id, one.lane.branch, 5)
            for one in found
        }
        watch = watch_house(connection)
    return page("lanes.html", queues=found, recent=recent, watch=watch)


def _queue(connection: sa.Connection, lane: Lane) -> Queue:
    took = lanes.waits(connection, lane.id, RECENT)
    usual = timedelta(seconds=median(one.total_seconds() for one in took)) if took else None
    return Queue(lane, lanes.waiting(connection, lane.id), usual)


# --- incidents, people, audit ---------------------------------------------------------


@overview.get("/incidents")
@signed_in
def all_incidents() -> ResponseReturnValue:
    _team_only()
    number = page_number()
    with front().house.database.read() as connection:
        found = incidents.past_us(connection, EACH + 1, (number - 1) * EACH)
        watch = watch_house(connection)
    return page(
        "incidents.html",
        watch=watch,
        incidents=found[:EACH],
        more=len(found) > EACH,
        number=number,
        freezes=incidents.freezes,
        may_acknowledge=may_thaw(visiting().person),
    )


@overview.get("/people")
@signed_in
def roster() -> ResponseReturnValue:
    _team_only()
    now = front().house.now()
    with front().house.database.read() as connection:
        members = people.everybody(connection)
    return page("people.html", members=members, now=now)


@overview.get("/audit")
@signed_in
def audit() -> ResponseReturnValue:
    _team_only()
    asked = request.args.get("below", "")
    below = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 16 else None
    with front().house.database.read() as connection:
        seals = chain.newest(connection, EACH, below)
        ids = {one.pull_id for one in seals if one.pull_id is not None}
        return page(
            "audit.html",
            seals=seals,
            places=listing.places_of(connection, ids),
            tip=chain.tip(connection),
            next=seals[-1].seq if seals and seals[-1].seq > 1 else None,
        )


def _team_only() -> None:
    """Whatever is of the whole house is as if it did not exist for those who see a part."""
    if not visiting().sees_all:
        abort(404)
