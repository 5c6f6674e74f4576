"""PostgreSQL alone: a server that goes away, holders that stop moving, dumps, and its limits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from intakebot.cli.main import main
from intakebot.model import OperatorError, TryLater
from intakebot.settings import load
from intakebot.store import backup, schema, work
from intakebot.store.database import Database
from intakebot.store.straight import Straight
from intakebot.store.tables import lanes, pulls, repos
from tests.databases import Databases, at_schema
from tests.postgres import Server, running

pytestmark = pytest.mark.postgres
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
BACKEND = sa.select(sa.func.pg_backend_pid())

Connection = sa.Connection | Straight
Writing = Callable[[], AbstractContextManager[Connection]]


@pytest.fixture
def server(databases: Databases) -> Server:
    assert databases.server is not None
    return databases.server


@pytest.fixture
def database(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    with databases.house(tmp_path) as url:
        database = Database(url, busy_seconds=1, stalled_seconds=1)
        yield database
        database.close()


@pytest.fixture(params=["write", "write_straight"])
def writing(request: pytest.FixtureRequest, database: Database) -> Writing:
    """Either way to write."""
    way: Writing = getattr(database, request.param)
    return way


def names(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.scalars(sa.select(repos.c.forge_id).order_by(repos.c.id)))


def keep(connection: Connection, name: str) -> None:
    work.repo_row(connection, "git", name)


# --- a server that goes away ----------------------------------------------------------


def test_a_connection_that_is_cut_half_way_is_try_later_and_leaves_nothing(
    database: Database, server: Server, writing: Writing
) -> None:
    with pytest.raises(TryLater, match="the database went away"), writing() as connection:
        keep(connection, "lost")
        cut(server, connection)
        keep(connection, "lost too")
    with writing() as connection:
        keep(connection, "kept")
    assert names(database) == ["kept"]


def test_a_connection_that_is_cut_before_the_commit_is_try_later(
    database: Database, server: Server, writing: Writing
) -> None:
    with pytest.raises(TryLater, match="the database went away"), writing() as connection:
        keep(connection, "lost")
        cut(server, connection)
    assert names(database) == []


def test_a_connection_that_was_cut_while_nobody_used_it_is_not_noticed(
    database: Database, server: Server, writing: Writing
) -> None:
    with writing() as connection:
        keep(connection, "one")
        [(backend,)] = connection.execute(BACKEND, {})
    server.ask(f"SELECT pg_terminate_backend({backend})")
    with writing() as connection:
        keep(connection, "two")
    assert names(database) == ["one", "two"]


def cut(server: Server, connection: Connection) -> None:
    [(backend,)] = connection.execute(BACKEND, {})
    server.ask(f"SELECT pg_terminate_backend({backend}, 5000)")


@pytest.mark.usefixtures("databases")
def test_what_was_committed_survives_a_server_that_is_killed_and_the_rest_is_try_later(
    tmp_path: Path,
) -> None:
    with running() as own:
        database = Database(own.url("postgres"))
        schema.upgrade(database, now=NOW)
        with database.write() as connection:
            keep(connection, "committed")
        with pytest.raises(TryLater), database.write() as connection:
            keep(connection, "half way")
            own.stop(signal.SIGQUIT)
            keep(connection, "after")
        began = time.monotonic()
        for way in (database.read, database.write, database.write_straight):
            with pytest.raises(TryLater, match="can't take it now"), way():
                pass
        assert time.monotonic() - began < 5
        own.start()
        assert names(database) == ["committed"]
        database.close()


# --- holders that stop moving ---------------------------------------------------------

STOPS = """
import os, signal, sys
from intakebot.model import TryLater
from intakebot.store import work
from intakebot.store.database import Database
database = Database(sys.argv[1], stalled_seconds=1)
try:
    with database.write() as connection:
        work.repo_row(connection, "git", "by the one that stopped")
        os.kill(os.getpid(), signal.SIGSTOP)
except TryLater as error:
    print(error)
"""


def test_a_writer_that_stops_moving_is_thrown_out_and_finds_out(database: Database) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STOPS, database.url], stdout=subprocess.PIPE, text=True
    ) as stopped:
        _, status = os.waitpid(stopped.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        patient = Database(database.url)
        try:
            with patient.write() as connection:
                keep(connection, "by the next one")
        finally:
            patient.close()
            stopped.send_signal(signal.SIGCONT)
        assert stopped.stdout is not None
        assert "the database went away" in stopped.stdout.read()
    assert names(database) == ["by the next one"]


def test_a_writer_waits_for_its_turn_no_longer_than_it_was_told(
    database: Database, databases: Databases, writing: Writing
) -> None:
    with databases.held(database.url):
        began = time.monotonic()
        with pytest.raises(TryLater, match=r"can't take it now: .*lock timeout"), writing():
            pass
        assert time.monotonic() - began > 0.9


def test_no_statement_and_no_read_can_last_for_ever(database: Database) -> None:
    with database.read() as connection:
        limits = {name: connection.scalar(sa.text(f"SHOW {name}")) for name in LIMITS}
    assert limits == LIMITS
    with database.write() as connection:
        idle = connection.scalar(sa.text("SHOW idle_in_transaction_session_timeout"))
    assert idle == "1s"


LIMITS = {
    "statement_timeout": "1min",
    "lock_timeout": "1s",
    "idle_in_transaction_session_timeout": "2min",
    "application_name": "intakebot",
}


def test_a_read_can_not_write(database: Database) -> None:
    with pytest.raises(sa.exc.InternalError, match="read-only"), database.read() as connection:
        keep(connection, "x")


def test_what_a_deadlock_or_another_snapshot_undoes_is_tried_later(database: Database) -> None:
    for state in ("40P01", "40001"):
        with pytest.raises(TryLater, match="can't take it now"), database.write() as connection:
            connection.execute(
                sa.text(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$")
            )


def test_a_server_that_only_reads_for_now_is_tried_later(
    database: Database, server: Server, writing: Writing
) -> None:
    name = sa.make_url(database.url).database
    server.ask(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(TryLater, match="it is read-only"), writing() as connection:
        keep(connection, "x")


@pytest.mark.parametrize("found", [None, "0001"])
def test_a_schema_that_is_missing_or_old_is_tried_later_and_names_the_command(
    databases: Databases, tmp_path: Path, found: str | None
) -> None:
    with databases.empty(tmp_path) as url:
        database = Database(url)
        if found:
            at_schema(database, found)
        with pytest.raises(TryLater, match="run: intakebot migrate"), database.read() as connection:
            connection.execute(sa.select(lanes))
        database.close()


def test_when_every_connection_is_in_use_it_is_tried_later(database: Database) -> None:
    full = pytest.raises(TryLater, match="every connection to the database is in use")
    with ExitStack() as stack, full:
        for _ in range(100):
            stack.enter_context(database.read())


def test_a_fault_of_ours_is_not_tried_later(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
        connection.execute(sa.insert(pulls).values(repo_id=99, number=1, first_seen_at=NOW))


# --- addresses ------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_each_usual_way_to_write_the_address_is_taken(database: Database, scheme: str) -> None:
    same = Database(database.url.replace("postgresql", scheme, 1))
    assert schema.version(same) == schema.NEWEST
    same.close()


def test_a_password_is_in_no_message() -> None:
    database = Database("postgresql://intakebot:geheim@127.0.0.1:1/intakebot")
    with pytest.raises(TryLater) as caught, database.read():
        pass
    assert "geheim" not in str(caught.value)
    with pytest.raises(OperatorError) as refused:
        Database("postgresql//intakebot:geheim@db/intakebot")
    assert "geheim" not in str(refused.value)


def test_without_its_driver_the_cure_is_said() -> None:
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from intakebot.model import OperatorError\n"
        "from intakebot.store.database import Database\n"
        "try: Database('postgresql://db/intakebot')\n"
        "except OperatorError as error: print(error)\n"
    )
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "pip install 'intakebot[postgres]'" in said


# --- dumps ----------------------------------------------------------------------------

SPY = """#!/bin/sh
printf '%s\\n' "$@" > {folder}/arguments
env > {folder}/environment
for word in "$@"; do case $word in --file=*) echo dump > "${{word#--file=}}";; esac; done
"""


def test_the_password_and_our_secrets_are_kept_from_pg_dumps_arguments_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pg_dump").write_text(SPY.format(folder=tmp_path))
    (tmp_path / "pg_dump").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("SESSION_SECRET", "keep me")
    monkeypatch.setenv("PGSSLROOTCERT", "/ca.pem")
    database = Database("postgresql://intakebot:geheim@db.example:5433/intakebot?sslmode=require")
    saved = backup.make(database, tmp_path, NOW)
    assert saved.read_text() == "dump\n" and saved.stat().st_mode & 0o077 == 0
    arguments = (tmp_path / "arguments").read_text()
    assert "postgresql://intakebot@db.example:5433/intakebot?sslmode=require" in arguments
    environment = (tmp_path / "environment").read_text()
    assert "geheim" not in arguments and "PGPASSWORD=geheim" in environment
    assert "PGSSLROOTCERT=/ca.pem" in environment and "keep me" not in environment


@pytest.fixture
def earlier(databases: Databases, tmp_path: Path) -> Iterator[Path]:
    """The folder of a house whose database has the first schema."""
    with databases.house(tmp_path, begun=False) as url:
        database = Database(url)
        at_schema(database, "0001")
        database.close()
        yield tmp_path


def schema_of(state: Path) -> str | None:
    database = Database(load(state, {}).database_url)
    try:
        return schema.version(database)
    finally:
        database.close()


def migrate(state: Path, *words: str, path: str) -> Result:
    environ = {"PATH": path, "DATABASE_URL": None}
    return CliRunner().invoke(main, ["migrate", f"--state={state}", *words], env=environ)


def test_without_pg_dump_nothing_is_migrated_unless_there_is_a_backup_already(
    earlier: Path, tmp_path: Path
) -> None:
    refused = migrate(earlier, path=str(tmp_path))
    assert refused.exit_code == 1
    assert "pg_dump is missing; run: apt-get install postgresql-client" in refused.stderr
    assert "intakebot migrate --no-backup" in refused.stderr
    assert schema_of(earlier) == "0001"
    done = migrate(earlier, "--no-backup", path=str(tmp_path))
    assert (done.exit_code, done.stdout) == (0, f"The schema is {schema.NEWEST}.\n")
    assert schema_of(earlier) == schema.NEWEST


def test_a_dump_that_fails_says_why_leaves_nothing_behind_and_nothing_is_migrated(
    earlier: Path, tmp_path: Path
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "pg_dump").write_text("#!/bin/sh\necho 'server version mismatch' >&2\nexit 1\n")
    (programs / "pg_dump").chmod(0o755)
    refused = migrate(earlier, path=f"{programs}:/bin")
    assert refused.exit_code == 1 and "server version mismatch" in refused.stderr
    assert schema_of(earlier) == "0001"
    assert list(tmp_path.glob("intakebot.*T*")) == []


def test_the_command_says_where_the_dump_is(earlier: Path, server: Server) -> None:
    done = migrate(earlier, path=str(server.programs))
    assert done.exit_code == 0, done.output
    (dump,) = earlier.glob("intakebot.*.pgdump")
    assert f"The backup of the earlier one is {dump}" in done.stdout
