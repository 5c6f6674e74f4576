"""`intakebot incidents` lists what went past the pull requests, and lets things land again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from intakebot import settings
from intakebot.cli.main import main
from intakebot.model import Account, Incident
from intakebot.store import incidents, lanes, schema, work
from intakebot.store.database import Database
from tests.databases import Databases

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def empty(tmp_path: Path, databases: Databases) -> Iterator[Path]:
    with databases.house(tmp_path):
        database = Database(settings.load(tmp_path, {}).database_url)
        schema.upgrade(database, now=NOW)
        database.close()
        yield tmp_path


@pytest.fixture
def state(empty: Path) -> Path:
    database = Database(settings.load(empty, {}).database_url)
    by = Account("3", "ada")
    past = Incident("past-us:main:a:b", "direct-push", "1", by, NOW, "refs/heads/main", "moved")
    with database.write() as connection:
        repo = work.repo_row(connection, "bitbucket-cloud", "{1}")
        incidents.keep(connection, repo, [past])
        lanes.freeze(connection, work.lane_row(connection, repo, "main"), "b" * 40, "ada did it")
    database.close()
    return empty


def run(state: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["incidents", *words, "--state", str(state)])


def test_a_frozen_branch_is_listed_and_acknowledged_once(state: Path) -> None:
    assert "frozen" in run(state, "list").stdout
    assert json.loads(run(state, "list", "--json").stdout)[0]["freezes"] is True
    done = run(state, "ack", "1")
    assert (done.exit_code, done.stdout) == (0, "Incident 1 is acknowledged; things land again.\n")
    assert "acknowledged" in run(state, "list").stdout
    again = run(state, "ack", "1")
    assert again.exit_code == 1
    assert "there is none, or it is acknowledged already" in again.output


def test_without_any_the_list_says_so(empty: Path) -> None:
    assert "nobody got past the pull requests" in run(empty, "list").stdout
