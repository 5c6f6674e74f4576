"""Watches protected branches at forges where people can get past us.

A branch that moved, and not by a landing of ours, is an incident: it is kept with who did it,
the old tip is kept in the mirror, a comment at the commit says what happens now, and nothing
lands on that branch until somebody who may has acknowledged it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from intakebot import log
from intakebot.core import escape
from intakebot.crash import crashpoint
from intakebot.flow.house import House
from intakebot.forges.api import Ability, Forge, Refused
from intakebot.model import Account, Incident, Repo, TryLater
from intakebot.repo.change import is_ancestor
from intakebot.repo.mirror import Mirror, NoSuchCommit, Unreadable
from intakebot.store import incidents, lanes, work
from intakebot.store.tables import lanes as lanes_table


@dataclass(frozen=True, slots=True)
class Move:
    """A branch that moved from one tip to another without us; `tip` is "" when it is gone."""

    branch: str
    lane_id: int
    known: str
    tip: str


def guarded(forge: Forge, repo: Repo) -> frozenset[str]:
    """The branches to be watched; none where nobody gets past us."""
    watched = Ability.PAST_US in forge.abilities
    return frozenset((repo.intake, repo.deploy)) if watched else frozenset()


def guard(house: House, repo: Repo, repo_id: int, tips: Mapping[str, str] | None = None) -> None:
    """Look at the watched branches. `repo_id` is our row of the repository; `tips` is what git
    has now, missing branches left out, if it was asked already."""
    forge = house.forges[repo.forge]
    watched = sorted(guarded(forge, repo))
    if watched and tips is None:
        tips = house.tips(repo, watched)
    for branch in watched:
        move = _moved(house, repo_id, branch, (tips or {}).get(branch, ""))
        if move is not None:
            _freeze(house, forge, repo, repo_id, house.mirror(repo), move)


def stands_on_known_ground(house: House, repo: Repo, row: lanes.LaneRow, base: str) -> bool:
    """Whether a landing would be built on a tip that the guard has seen or we have put there."""
    if Ability.PAST_US not in house.forges[repo.forge].abilities:
        return True
    with house.database.read() as connection:
        known = base == lanes.tip(connection, row.id)
        return known or lanes.is_landing(connection, row.repo_id, base)


def _moved(house: House, repo_id: int, branch: str, tip: str) -> Move | None:
    """None when it stands where it is known to, or where one of our landings put it."""
    with house.database.write() as connection:
        lane_id = work.lane_row(connection, repo_id, branch)
        known = lanes.tip(connection, lane_id)
        if tip == known:
            return None
        if known and not lanes.is_landing(connection, repo_id, tip):
            return Move(branch, lane_id, known, tip)
        lanes.set_tip(connection, lane_id, tip)
    return None


def _freeze(
    house: House, forge: Forge, repo: Repo, repo_id: int, mirror: Mirror, move: Move
) -> None:
    rescued = _rescue(mirror, repo, move)
    kind = _kind(mirror, repo, move)
    if move.tip:  # before it is written down: whoever is killed in between says it not again
        _say(forge, repo, move)
    crashpoint("guard.after_say")
    with house.database.write() as connection:
        by = incidents.who_pushed(connection, repo_id, move.tip)
        incident = Incident(
            id=f"past-us:{move.branch}:{move.known}:{move.tip}",
            kind=kind,
            repo=repo.id,
            by=by or Account("", "somebody"),
            at=house.now(),
            ref=f"refs/heads/{move.branch}",
            detail=_detail(move, rescued),
        )
        incidents.keep(connection, repo_id, [incident])
        who = incident.by.login
        why = f"{who} changed {move.branch} past the pull requests ({move.tip[:12] or 'deleted'})"
        lanes.freeze(connection, move.lane_id, move.tip, why)
        work.nudge(connection, lanes_table, move.lane_id, house.now())
    log.warning("went past us", repo=repo.name, branch=move.branch, kind=kind)
    house.bell.ring([f"lane:{move.lane_id}"])


def _rescue(mirror: Mirror, repo: Repo, move: Move) -> str:
    """The old tip kept under a ref of ours, in case it is nowhere else any more; "" if too late."""
    try:
        mirror.fetch(repo.clone_url, move.known, "base")  # nothing is fetched when it is here
    except (NoSuchCommit, Unreadable, TryLater):
        return ""
    return mirror.keep(move.known, f"rescue/{move.branch}")


def _kind(mirror: Mirror, repo: Repo, move: Move) -> str:
    if not move.tip:
        return "deletion"
    mirror.fetch(repo.clone_url, move.tip, "base")
    return "direct-push" if is_ancestor(mirror.git, move.known, move.tip) else "force-push"


def _detail(move: Move, rescued: str) -> str:
    kept = f"the old tip is kept in the mirror as {rescued}" if rescued else "the old tip is lost"
    return f"{move.branch} went from {move.known[:12]} to {move.tip[:12] or 'nothing'}; {kept}"


def _say(forge: Forge, repo: Repo, move: Move) -> None:
    branch = escape.code(move.branch)
    text = (
        f"This commit came to {branch} without a pull request. Changes are only taken as pull "
        f"requests from a fork, so that everybody sees them before they count. Nothing lands on "
        f"{branch} until somebody of the team has looked at it and acknowledged it."
    )
    try:
        forge.remark(repo.id, move.tip, text)
    except (Refused, TryLater) as error:
        log.warning("nothing said at the commit", repo=repo.name, why=str(error))


def acknowledge(house: House, incident_id: int, by: str) -> bool:
    """Let things land again; `by` is who looked at it. False when it is acknowledged already."""
    with house.database.write() as connection:
        row = incidents.find(connection, incident_id)
        if row is None or row.acknowledged_at is not None:
            return False
        incidents.acknowledge(connection, incident_id, by, house.now())
        thawed = _thaw(connection, row) if incidents.freezes(row) else []
        for lane_id in thawed:
            work.nudge(connection, lanes_table, lane_id, house.now())
    house.bell.ring([f"lane:{lane_id}" for lane_id in thawed])
    return True


def _thaw(connection: sa.Connection, incident: sa.Row[tuple[object, ...]]) -> list[int]:
    """The lane of the branch, once nothing that happened to it is left to be acknowledged."""
    branch = str(incident.ref).removeprefix("refs/heads/")
    lane_id = work.lane_row(connection, incident.repo_id, branch)
    if incidents.is_open(connection, incident.repo_id, incident.ref):
        return []
    lanes.thaw(connection, lane_id)
    return [lane_id]
