"""Look round a repository, or a whole forge, for what no delivery told us about.

Also for what no forge tells at all: a target branch that moved under its pull requests, and
whether what blocks them on our side has healed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from intakebot import log
from intakebot.crash import crashpoint
from intakebot.flow.guard import guard, guarded
from intakebot.flow.house import PATIENCE, House, held
from intakebot.forges.api import Forge
from intakebot.model import OperatorError, State, TryLater
from intakebot.store import incidents, memory, work
from intakebot.store.tables import pulls, repos

BLOCKED_PACE = 1  # what we block ourselves is looked at again after so many surveys


def survey(house: House, repo_id: int) -> None:
    """Nudge every pull request that may stand elsewhere by now, and collect incidents."""
    with held(house, repos, repo_id) as lease:
        if lease is None:
            return
        with house.database.read() as connection:
            wanted = work.wanted(connection, repos, repo_id)
            row = work.repo(connection, repo_id)
        if _is_too_soon(house, row):
            return
        try:
            bells = _survey(house, row)
        except (TryLater, OperatorError) as error:
            after = error.after if isinstance(error, TryLater) else 30.0
            with house.database.write() as connection:
                until = house.later(after)
                work.postpone(connection, repos, repo_id, lease.fence, until, PATIENCE)
            raise
        with house.database.write() as connection:
            work.finish(connection, repos, repo_id, lease.fence, wanted)
    house.bell.ring(bells)


def _is_too_soon(house: House, row: work.RepoRow) -> bool:
    """Bells for one survey gather behind a long job; only a nudge asks for another at once."""
    now, pace = house.now(), house.forges[row.forge].survey_every()
    with house.database.read() as connection:
        nudged = work.is_due(connection, repos, row.id, now)
        at = work.surveyed_at(connection, row.id)
    return not nudged and not _has_rested(at, now, pace)


def _has_rested(surveyed_at: datetime | None, now: datetime, pace: timedelta) -> bool:
    """Also one that was surveyed by a clock that was put back since."""
    return surveyed_at is None or surveyed_at <= now - pace or surveyed_at > now


def _survey(house: House, row: work.RepoRow) -> list[str]:
    forge = house.forges[row.forge]
    since = forge.pulls_since(row.forge_id, row.pulls_cursor)
    found = forge.incidents_since(row.forge_id, row.incidents_cursor)
    due = _behind(house, row)
    now = house.now()
    with house.database.write() as connection:
        due |= {work.pull_row(connection, row.id, number, now) for number in since.numbers}
        for pull_id in sorted(due):
            work.nudge(connection, pulls, pull_id, now)
        incidents.keep(connection, row.id, found)
        crashpoint("sweep.mid")
        work.describe_repo(
            connection,
            row.id,
            pulls_cursor=since.cursor,
            incidents_cursor=found[-1].id if found else row.incidents_cursor,
            surveyed_at=now,
        )
    return [f"look:{pull_id}" for pull_id in sorted(due)]


def _behind(house: House, row: work.RepoRow) -> set[int]:
    """What git tells, with one question: protected branches that moved past us, and the open pull
    requests that were judged against another tip of their target."""
    forge = house.forges[row.forge]
    repo = next((one for one in forge.repos() if one.id == row.forge_id), None)
    if repo is None:
        return set()
    with house.database.read() as connection:
        judged = memory.judged_against(connection, row.id)
    branches = {one.target for one in judged} | guarded(forge, repo)
    if not branches:
        return set()
    tips = house.tips(repo, sorted(branches))
    guard(house, repo, row.id, tips)
    ours = house.now() - forge.survey_every() * BLOCKED_PACE
    return {
        one.id
        for one in judged
        if (one.state == State.BLOCKED_BY_US.value and one.looked_at <= ours)
        or one.base not in ("", tips.get(one.target))
    }


def discover(house: House, _: int = 0) -> None:
    """Know every main repository that the bot may read, and survey each whose time has come.

    A forge that can't answer keeps nobody from the others.
    """
    for forge in house.forges.values():
        try:
            bells = _discover(house, forge)
        except (TryLater, OperatorError) as error:
            log.warning("forge not surveyed", forge=forge.name, why=str(error))
            continue
        house.bell.ring(bells)


def _discover(house: House, forge: Forge) -> list[str]:
    now, pace = house.now(), forge.survey_every()
    found = {repo.id: repo for repo in forge.repos()}
    with house.database.read() as connection:
        known = work.known_repos(connection, forge.name)
    described = [one.repo for one in known]
    new = [repo for repo in found.values() if repo not in described]
    if new:
        with house.database.write() as connection:
            for repo in new:
                work.know_repo(connection, repo)
            known = work.known_repos(connection, forge.name)
    return [
        f"survey:{one.id}"
        for one in known
        if one.repo.id in found and _has_rested(one.surveyed_at, now, pace)
    ]
