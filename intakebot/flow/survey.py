"""Look round a repository, or a whole forge, for what no delivery told us about.

Also for what no forge tells at all: a target branch that moved under its pull requests, and
whether what blocks them on our side has healed.
"""

from __future__ import annotations

from intakebot.crash import crashpoint
from intakebot.flow.house import PATIENCE, House, held
from intakebot.model import OperatorError, State, TryLater
from intakebot.store import incidents, memory, work
from intakebot.store.tables import pulls, repos


def survey(house: House, repo_id: int) -> None:
    """Nudge every pull request that may stand elsewhere by now, and collect incidents."""
    with held(house, repos, repo_id) as lease:
        if lease is None:
            return
        with house.database.read() as connection:
            wanted = work.wanted(connection, repos, repo_id)
            row = work.repo(connection, repo_id)
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


def _survey(house: House, row: work.RepoRow) -> list[str]:
    forge = house.forges[row.forge]
    since = forge.pulls_since(row.forge_id, row.pulls_cursor)
    found = forge.incidents_since(row.forge_id, row.incidents_cursor)
    due = _left_behind(house, row)
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


def _left_behind(house: House, row: work.RepoRow) -> set[int]:
    """Open pull requests that were judged against another tip of their target, or blocked."""
    with house.database.read() as connection:
        judged = memory.judged_against(connection, row.id)
    repo = next((one for one in house.forges[row.forge].repos() if one.id == row.forge_id), None)
    if not judged or repo is None:
        return set()
    targets = sorted({one.target for one in judged})
    tips = house.mirror(repo).tips(repo.clone_url, targets)
    return {
        one.id
        for one in judged
        if one.state == State.BLOCKED_BY_US.value or one.base not in ("", tips.get(one.target))
    }


def discover(house: House, _: int = 0) -> None:
    """Know every main repository that the bot may read, and survey each."""
    bells = []
    for forge in house.forges.values():
        for repo in forge.repos():
            with house.database.write() as connection:
                repo_id = work.know_repo(connection, repo)
            bells.append(f"survey:{repo_id}")
    house.bell.ring(bells)
