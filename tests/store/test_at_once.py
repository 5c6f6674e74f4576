"""What the house builds on, on either database, with several processes at once."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime

import sqlalchemy as sa

from intakebot.store import work
from intakebot.store.database import Database
from intakebot.store.tables import pulls

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def some_pulls(database: Database, count: int) -> list[int]:
    with database.write() as connection:
        repo = work.repo_row(connection, "git", "1")
        return [work.pull_row(connection, repo, number, NOW) for number in range(1, count + 1)]


def at_once(program: str, *arguments: object, processes: int = 4) -> list[str]:
    """What each of these processes prints; they begin together."""
    command = [sys.executable, "-c", BEGIN + program, *map(str, arguments)]
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(processes)
        ]
        for process in started:
            assert process.stdout is not None and process.stdin is not None
            assert process.stdout.readline() == "here\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.close()
        said = [process.stdout.read() for process in started if process.stdout is not None]
    assert [process.returncode for process in started] == [0] * processes
    return said


BEGIN = """
import os, sys
from datetime import UTC, datetime, timedelta
from intakebot.store import leases, runs, work
from intakebot.store.database import Database
from intakebot.store.tables import pulls
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
database = Database(sys.argv[1])
with database.read():
    pass
print("here", flush=True)
sys.stdin.read()
"""


def test_no_nudge_of_many_at_once_is_lost(database: Database) -> None:
    (pull,) = some_pulls(database, 1)
    at_once(
        """
for _ in range(25):
    with database.write() as connection:
        work.nudge(connection, pulls, int(sys.argv[2]), NOW)
""",
        database.url,
        pull,
    )
    with database.read() as connection:
        assert work.wanted(connection, pulls, pull) == 100


def test_of_many_who_ask_for_a_lease_at_once_each_time_one_gets_it(database: Database) -> None:
    rows = some_pulls(database, 25)
    said = at_once(
        """
for row in map(int, sys.argv[2:]):
    with database.write() as connection:
        fence = leases.claim(connection, pulls, row, str(os.getpid()), NOW, timedelta(seconds=20))
    if fence is not None:
        print(row, fence)
""",
        database.url,
        *rows,
    )
    taken = sorted(tuple(map(int, line.split())) for text in said for line in text.splitlines())
    assert taken == [(row, 1) for row in rows]


def test_those_who_write_the_same_rows_in_other_orders_never_stop_each_other(
    database: Database,
) -> None:
    rows = some_pulls(database, 6)
    at_once(
        """
rows = [int(row) for row in sys.argv[2:]]
for turn in range(20):
    with database.write() as connection:
        for row in rows if (turn + os.getpid()) % 2 else reversed(rows):
            work.nudge(connection, pulls, row, NOW)
""",
        database.url,
        *rows,
    )
    with database.read() as connection:
        assert {work.wanted(connection, pulls, row) for row in rows} == {80}


def test_a_check_that_many_want_and_drop_at_once_is_never_lost(database: Database) -> None:
    """Each wants the same check on the same tree, and drops it again; the last to want it stays."""
    rows = some_pulls(database, 4)
    at_once(
        """
from intakebot.core.checking import Task
from intakebot.model import CheckDefinition
check = CheckDefinition("tests", ("pytest",), "none", "-", 60, 1 << 20, "digest")
task = Task(check, "tree")
with database.write() as connection:
    repo = work.repo_row(connection, "git", "1")
for turn in range(25):
    pull = int(sys.argv[2 + (turn + os.getpid()) % 4])
    with database.write() as connection:
        run, _ = runs.ask(connection, repo, pull, str(os.getpid()), task, NOW)
        assert runs.is_wanted(connection, run)
    with database.read() as connection:
        wanted = runs.newest(connection, [task])["digest"]
        assert wanted.state == "queued", wanted
    with database.write() as connection:
        runs.want_only(connection, pull, str(os.getpid()), [])
""",
        database.url,
        *rows,
    )


def test_a_read_sees_one_moment(database: Database) -> None:
    (pull,) = some_pulls(database, 1)
    with database.read() as reading:
        assert work.wanted(reading, pulls, pull) == 0
        with database.write() as writing:
            work.nudge(writing, pulls, pull, NOW)
        assert work.wanted(reading, pulls, pull) == 0
    with database.read() as reading:
        assert work.wanted(reading, pulls, pull) == 1


def test_any_text_is_kept_as_it_is(database: Database) -> None:
    (pull,) = some_pulls(database, 1)
    for text in ("a\0b", "\ue000", "\ue0000\0\ue0001", "\U0010ffff", "'; --", "%s %(x)s :y"):
        with database.write() as connection:
            work.describe_pull(connection, pull, title=text)
        with database.read() as connection:
            found = connection.scalar(sa.select(pulls.c.title).where(pulls.c.title == text))
        assert found == text
