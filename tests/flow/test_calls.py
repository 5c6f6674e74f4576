"""Calls of a forge's API are counted by all processes together, and nobody waits for the count."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from intakebot.flow.calls import HouseCalls
from intakebot.forges.bitbucket_cloud.allowance import LISTS_LEAVE
from intakebot.forges.bitbucket_cloud.http import Api
from intakebot.forges.bitbucket_cloud.words import Token
from intakebot.model import TryLater
from intakebot.store import schema
from intakebot.store.database import Database
from tests.forges.bitbucket_cloud.scripted import Say, Script, scripted

TOKEN = Token("access", "", "ATCTT-secret")
NOON = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
EMPTY = Say(body={"values": []})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    database = Database(f"sqlite:///{tmp_path / 'house.db'}")
    schema.upgrade(database, now=NOW[0])
    database.close()
    return tmp_path / "house.db"


NOW = [NOON]


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    NOW[:] = [NOON]
    yield


class Process:
    """What one process of the house has: its own database and count, and an API to call."""

    def __init__(self, file: Path, script: Script, token: Token = TOKEN) -> None:
        self.calls = HouseCalls(Database(f"sqlite:///{file}"), lambda: NOW[0])
        self.api = Api(script.url, lambda _: token, lambda: NOW[0], calls=self.calls)

    def make(self, calls: int) -> None:
        for _ in range(calls):
            self.api.get("/x")
        self.calls.save(10)


def test_what_one_process_spends_is_missing_to_the_others(file: Path) -> None:
    with scripted(EMPTY) as script:
        one, other = Process(file, script), Process(file, script)
        one.make(30)
        other.make(12)
        one.calls.exchange()
        assert one.api.left() == other.api.left() == 1_000 - 42
        assert Process(file, script).api.left() == 1_000 - 42
        another = Token("access", "", "another")
        assert Process(file, script, another).api.left() == 1_000


def test_reads_that_can_wait_do_so_because_of_what_others_spent_and_were_told(file: Path) -> None:
    with scripted(Say(body={"values": []}, headers={"X-RateLimit-Limit": "20"})) as script:
        Process(file, script).make(18)
        late = Process(file, script)
        with pytest.raises(TryLater, match="18 of 20"):
            late.api.pages("/x", leave=LISTS_LEAVE)
        NOW[0] += timedelta(minutes=62)
        assert late.api.pages("/x", leave=LISTS_LEAVE) == []


def test_that_the_limit_is_near_is_heard_by_all(file: Path) -> None:
    with scripted(Say(body={}, headers={"X-RateLimit-NearLimit": "true"}), EMPTY) as script:
        Process(file, script).make(1)
        other = Process(file, script)
        with pytest.raises(TryLater, match="nearly used up"):
            other.api.pages("/x", leave=LISTS_LEAVE)
        NOW[0] += timedelta(minutes=7)
        assert other.api.pages("/x", leave=LISTS_LEAVE) == []


def test_a_locked_database_delays_no_call_and_loses_no_count(file: Path) -> None:
    with scripted(EMPTY) as script, closing(sqlite3.connect(file, isolation_level=None)) as other:
        process = Process(file, script)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        for _ in range(20):
            process.api.pages("/x", leave=LISTS_LEAVE)
        assert time.monotonic() - began < 2
        assert process.api.left() == 980
        other.execute("ROLLBACK")
        process.calls.save(10)
        assert Process(file, script).api.left() == 980


def test_a_database_that_cannot_be_used_leaves_each_process_its_own_count(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with scripted(EMPTY) as script:
        process = Process(tmp_path / "nowhere" / "house.db", script)
        for _ in range(3):
            process.make(1)
        assert process.api.left() == 997
    said = [one.getMessage() for one in caplog.records]
    assert said == ["calls are counted by this process alone"]


def test_only_the_last_hour_is_kept_and_nothing_that_is_secret(file: Path) -> None:
    token = Token("api", "bot@example.org", "ATATT-secret")
    with scripted(EMPTY) as script:
        process = Process(file, script, token)
        for _ in range(3):
            process.make(2)
            NOW[0] += timedelta(minutes=1)
        assert len(rows(file)) == 3
        NOW[0] += timedelta(hours=2)
        process.make(1)
    assert [row[2] for row in rows(file)] == [1]
    text = b"".join(path.read_bytes() for path in file.parent.glob("house.db*"))
    assert b"ATATT-secret" not in text and b"bot@example.org" not in text


def rows(file: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as database:
        return database.execute("SELECT * FROM calls").fetchall()


PROGRAM = """
import sys
from intakebot.flow.calls import HouseCalls
from intakebot.forges.bitbucket_cloud.allowance import LISTS_LEAVE
from intakebot.forges.bitbucket_cloud.http import Api
from intakebot.forges.bitbucket_cloud.words import Token
from intakebot.store.database import Database
from intakebot.wiring import now
calls = HouseCalls(Database(f"sqlite:///{sys.argv[1]}"), now)
api = Api(sys.argv[2], lambda _: Token("access", "", "ATCTT-secret"), now, calls=calls)
for _ in range(25):
    api.get("/x")
calls.save(10)
"""


def test_real_processes_at_the_same_time_add_up(file: Path) -> None:
    NOW[0] = datetime.now(UTC)
    with scripted(EMPTY) as script:
        command = [sys.executable, "-c", PROGRAM, str(file), script.url]
        processes = [subprocess.Popen(command) for _ in range(3)]
        assert [process.wait(60) for process in processes] == [0, 0, 0]
        NOW[0] = datetime.now(UTC)
        assert Process(file, script).api.left() == 1_000 - 75
