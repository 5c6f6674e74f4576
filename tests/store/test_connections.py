"""A repository that is disconnected leaves nothing due behind, and is met anew later."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from intakebot.core.checking import Task
from intakebot.model import CheckDefinition
from intakebot.store import connections, lanes, runs, work
from intakebot.store.connections import ConnectionRow
from intakebot.store.tables import entries, pulls, repos
from intakebot.store.tables import lanes as lanes_table
from intakebot.store.tables import runs as runs_table
from tests.store.conftest import NOW

LATER = NOW + timedelta(days=1)
FORGE = "bitbucket-cloud"
CHECK = CheckDefinition("tests", ("pytest",), "none", "-", 60, 1 << 20, "digest")


def connected(connection: sa.Connection, forge_id: str) -> tuple[ConnectionRow, int]:
    """With a pull request that is looked at, checked and about to land; its repository's row."""
    values = {
        "forge": FORGE,
        "forge_id": forge_id,
        "workspace_id": "{w}",
        "name": forge_id,
        "intake": "main",
        "deploy": "main",
        "hook_nonce": "n",
        "connected_at": NOW,
    }
    connections.keep(connection, values)
    repo = work.repo_row(connection, FORGE, forge_id)
    work.describe_repo(connection, repo, name=forge_id, pulls_cursor='{"7":"x"}', surveyed_at=NOW)
    pull = work.pull_row(connection, repo, 7, NOW)
    work.describe_pull(connection, pull, look_at=NOW, problem="it is stuck", head="a" * 40)
    lane = work.lane_row(connection, repo, "main")
    lanes.set_tip(connection, lane, "b" * 40)
    lanes.enter(connection, lane, pull, 7, "a" * 40, "1", "bob", NOW, NOW)
    for table, row in ((repos, repo), (pulls, pull), (lanes_table, lane)):
        work.nudge(connection, table, row, NOW)
    runs.ask(connection, repo, pull, "look", Task(CHECK, f"tree of {forge_id}"), NOW)
    made = connections.find(connection, FORGE, forge_id)
    assert made is not None
    return made, repo


def due(connection: sa.Connection) -> list[int]:
    tables = (repos, pulls, lanes_table)
    return [len(work.overdue(connection, table, LATER, timedelta())) for table in tables]


def test_nothing_is_due_and_nothing_lands_in_one_that_was_forgotten(
    connection: sa.Connection,
) -> None:
    gone, _ = connected(connection, "{1}")
    connected(connection, "{2}")
    assert due(connection) == [2, 2, 2]
    connections.forget(connection, gone)
    assert due(connection) == [1, 1, 1]
    assert connections.find(connection, FORGE, "{1}") is None
    found = connection.execute(sa.select(pulls.c.open, pulls.c.problem).order_by(pulls.c.id))
    assert [tuple(row) for row in found] == [(False, ""), (True, "it is stuck")]
    landing = connection.execute(sa.select(entries.c.state).order_by(entries.c.id))
    assert list(landing.scalars()) == ["dropped", "queued"]
    checks = connection.execute(sa.select(runs_table.c.state).order_by(runs_table.c.id))
    assert list(checks.scalars()) == ["cancelled", "queued"]


def test_connected_again_everything_is_met_anew(connection: sa.Connection) -> None:
    gone, repo = connected(connection, "{1}")
    connections.forget(connection, gone)
    row = work.repo(connection, repo)
    assert row.pulls_cursor == ""
    [known] = work.known_repos(connection, FORGE)
    assert known.surveyed_at is None
    lane = work.lane_row(connection, repo, "main")
    assert lanes.tip(connection, lane) == "", "what moved meanwhile was nobody's way past us"
