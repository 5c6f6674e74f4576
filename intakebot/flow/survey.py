"""Look round a repository, or a whole forge, for what no delivery told us about."""

from __future__ import annotations

from intakebot.crash import crashpoint
from intakebot.flow.house import PATIENCE, House, held
from intakebot.model import OperatorError, TryLater
from intakebot.store import incidents, work
from intakebot.store.tables import pulls, repos


def survey(house: House, repo_id: int) -> None:
    """Nudge every pull request that changed since the last survey, and collect incidents."""
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
    now = house.now()
    bells = []
    with house.database.write() as connection:
        for number in since.numbers:
            pull_id = work.pull_row(connection, row.id, number, now)
            work.nudge(connection, pulls, pull_id, now)
            bells.append(f"look:{pull_id}")
        incidents.keep(connection, row.id, found)
        crashpoint("sweep.mid")
        work.describe_repo(
            connection,
            row.id,
            pulls_cursor=since.cursor,
            incidents_cursor=found[-1].id if found else row.incidents_cursor,
            surveyed_at=now,
        )
    return bells


def discover(house: House, _: int = 0) -> None:
    """Know every main repository that the bot may read, and survey each."""
    bells = []
    for forge in house.forges.values():
        for repo in forge.repos():
            with house.database.write() as connection:
                repo_id = work.repo_row(connection, forge.name, repo.id)
                work.describe_repo(
                    connection,
                    repo_id,
                    name=repo.name,
                    clone_url=repo.clone_url,
                    intake=repo.intake,
                    deploy=repo.deploy,
                )
                work.lane_row(connection, repo_id, repo.intake)
            bells.append(f"survey:{repo_id}")
    house.bell.ring(bells)
