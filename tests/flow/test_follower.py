"""The house's own clock brings new repositories behind the gate, or says which are not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from intakebot import settings, wiring
from intakebot.flow.follower import AGAIN, Follower
from intakebot.store import incidents
from intakebot.store.database import Database
from intakebot.store.locks import only_one
from tests.cli.connecting import MAIN, Desk, data, desk_in, fine
from tests.databases import Databases

pytestmark = pytest.mark.long

ALL = ("acme", "--all", "--yes")
COMMAND = "Run: intakebot connect bitbucket-cloud acme/new --yes"


@dataclass
class Town:
    """A workspace that is followed, and the clock's follower, whose time is put forward."""

    desk: Desk
    follower: Follower
    ahead: timedelta = timedelta()

    def look(self, later: timedelta = timedelta()) -> None:
        self.ahead += later
        self.follower.look()

    def now(self) -> datetime:
        return wiring.now() + self.ahead

    @property
    def names(self) -> set[str]:
        return {row.name for row in self.desk.rows()}

    @property
    def alarms(self) -> list[str]:
        with self.desk.database() as database, database.read() as connection:
            return [row.detail for row in incidents.outside(connection)]

    def calls(self) -> int:
        return len([one for one in self.desk.cloud.calls if "git" not in one.method])


@pytest.fixture
def desk(databases: Databases, tmp_path: Path) -> Iterator[Desk]:
    with desk_in(tmp_path, databases) as desk:
        fine(desk.connect(*ALL))
        yield desk


@pytest.fixture
def town(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    yield from open_town(desk, monkeypatch)


@pytest.fixture
def poor_town(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """Its house has no administrator's token."""
    held = dict(desk.environ)
    del desk.environ["BITBUCKET_ADMIN_TOKEN"]
    for town in open_town(desk, monkeypatch):
        desk.environ |= held  # whoever sits at the command line has it
        yield town


def open_town(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    for name, value in desk.environ.items():
        monkeypatch.setenv(name, value)
    found = settings.load(desk.state)
    database = Database(found.database_url)
    town = Town(desk, Follower(wiring.bitbucket_desk(found, database)))
    town.follower.desk = replace(town.follower.desk, now=town.now)
    yield town
    database.close()


def test_a_new_repository_comes_behind_the_gate_by_itself(town: Town) -> None:
    town.look()
    before = len(town.desk.cloud.writes)
    town.look()
    assert len(town.desk.cloud.writes) == before
    town.desk.add("acme/new")
    town.look()
    assert town.names == {MAIN, "acme/new"} and town.alarms == []
    assert len(town.desk.rules("acme/new")) == 9 and len(town.desk.hooks("acme/new")) == 1


def test_without_the_token_an_alarm_says_it_once_with_the_command(
    poor_town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    town = poor_town
    town.desk.add("acme/new")
    for _ in range(3):
        town.look(later=timedelta(hours=2))
    assert town.names == {MAIN} and town.desk.rules("acme/new") == {}
    [alarm] = town.alarms
    assert alarm.startswith("acme/new is not behind the gate: the house has no administrator's")
    assert alarm.endswith(COMMAND)
    told = [one for one in caplog.records if one.getMessage() == "not behind the gate"]
    assert len(told) == 1
    listed = town.desk.run("incidents", "list")
    assert COMMAND in fine(listed) and "open" in listed.output
    assert COMMAND in town.desk.run("doctor").output

    fine(town.desk.connect("acme/new", "--yes"))
    assert town.alarms == []
    town.look()
    assert town.alarms == []
    assert COMMAND not in town.desk.run("doctor").output


def test_an_alarm_that_somebody_acknowledged_stays_silent(poor_town: Town) -> None:
    town = poor_town
    town.desk.add("acme/new")
    town.look()
    [row] = data_of(town)
    assert fine(town.desk.run("incidents", "ack", row)) == f"Incident {row} is acknowledged.\n"
    town.look()
    assert town.alarms == []


def data_of(town: Town) -> list[str]:
    with town.desk.database() as database, database.read() as connection:
        return [str(row.id) for row in incidents.outside(connection)]


def test_one_that_fails_is_told_and_keeps_no_other_waiting(town: Town) -> None:
    for name in ("acme/a-closed", "acme/new"):
        town.desk.add(name)
    with town.desk.cloud.site.lock:
        town.desk.cloud.at("acme/a-closed").fork_policy = "no_forks"
    town.look()
    assert town.names == {MAIN, "acme/new"}
    [alarm] = town.alarms
    assert alarm.startswith("acme/a-closed is not behind the gate: nobody can fork acme/a-closed")
    before = town.calls()
    town.look(later=timedelta(minutes=10))
    assert town.calls() - before == 1  # the list alone: it is not tried all the time
    with town.desk.cloud.site.lock:
        town.desk.cloud.at("acme/a-closed").fork_policy = "allow_forks"
    town.look(later=AGAIN)
    assert "acme/a-closed" in town.names and town.alarms == []


def test_one_that_was_disconnected_stays_so(town: Town) -> None:
    fine(town.desk.disconnect())
    town.look(later=timedelta(hours=2))
    assert town.names == set() and town.desk.rules() == {} and town.alarms == []


def test_after_disconnecting_all_nothing_comes_back(town: Town) -> None:
    fine(town.desk.disconnect(*ALL))
    town.desk.add("acme/new")
    town.look()
    assert town.names == set() and town.alarms == []


def test_an_empty_repository_is_left_in_peace_until_something_is_in_it(town: Town) -> None:
    town.desk.add("acme/new")
    with town.desk.cloud.site.lock:
        town.desk.cloud.at("acme/new").mainbranch = ""
    town.look()
    assert town.names == {MAIN} and town.alarms == []
    with town.desk.cloud.site.lock:
        town.desk.cloud.at("acme/new").mainbranch = "main"
    town.look()
    assert town.names == {MAIN, "acme/new"}


def test_one_that_was_left_half_connected_is_finished(town: Town) -> None:
    town.desk.add("acme/new")
    assert town.desk.dies(6, "connect", "bitbucket-cloud", "acme/new", "--yes")
    assert "not finished" in fine(town.desk.connect("--list"))
    town.look()
    assert len(town.desk.rules("acme/new")) == 9
    assert "not finished" not in fine(town.desk.connect("--list"))


def test_a_place_that_cannot_be_read_now_stops_no_other_and_ends_no_alarm(poor_town: Town) -> None:
    town = poor_town
    town.desk.cloud.workspace("beta", owner="grace")
    town.desk.add("beta/site")
    fine(town.desk.connect("beta", "--all", "--yes"))
    town.desk.add("acme/new")
    town.look()
    town.desk.add("beta/fresh")
    acme = town.desk.cloud.site.state.workspace("acme").uuid.strip("{}")
    town.desk.cloud.mischief.answer(429, f"GET /repositories/.*{acme}", times=9)
    town.look()
    assert [one.split()[0] for one in town.alarms] == ["acme/new", "beta/fresh"]
    followed = data(town.desk.connect("--list", "--json"))["followed"]
    assert [("429" in one["problem"]) for one in followed] == [True, False]


def test_nobody_connects_what_somebody_else_is_connecting(town: Town) -> None:
    town.desk.add("acme/new")
    busy = f"connect {town.desk.cloud.at('acme/new').uuid}"
    with only_one(town.follower.desk.database, busy) as free:
        assert free
        town.look()
        assert town.names == {MAIN} and town.alarms == []
        done = town.desk.connect("acme/new", "--yes")
        assert done.exit_code == 1 and "somebody else is connecting" in done.output
    town.look()
    assert town.names == {MAIN, "acme/new"}


def test_two_clocks_do_not_look_at_once(town: Town) -> None:
    town.desk.add("acme/new")
    before = town.calls()
    with only_one(town.follower.desk.database, "follow"):
        town.look()
    assert town.calls() == before


def test_the_clock_of_a_real_house_does_it(desk: Desk) -> None:
    desk.add("acme/new")
    own = ("INTAKEBOT_SECRET_GIT", "SESSION_SECRET", "GIT_BOT_TOKEN", "GIT_LAND_TOKEN",
           "GIT_WEB_TOKEN")  # fmt: skip
    environ = {**os.environ, **desk.environ, **dict.fromkeys(own, "x" * 32)}
    clock = subprocess.Popen(
        [sys.executable, "-m", "intakebot", "clock"], env=environ, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while "REPOSITORY" not in (said := fine(desk.connect("--list"))) or "new" not in said:
            assert time.monotonic() < deadline and clock.poll() is None
            time.sleep(0.2)
    finally:
        clock.terminate()
        assert clock.wait(20) == 0


WITHOUT = """
import os
from intakebot.up import run
seen = []
run._part("web", lambda: seen.extend(name for name in os.environ if "ADMIN" in name)).run()
assert "BITBUCKET_TOKEN" in os.environ and seen == [], seen
"""


def test_no_other_process_of_the_house_has_the_administrators_token(desk: Desk) -> None:
    environ = {**os.environ, **desk.environ, "BITBUCKET_ADMIN_TOKEN_FILE": "x"}
    subprocess.run([sys.executable, "-c", WITHOUT], env=environ, check=True, timeout=60)
