"""The schema: made, backed up and brought up to date, and never taken backwards."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from intakebot.model import OperatorError, TryLater
from intakebot.store import calls, chain, connections, follows, receipts, schema, work
from intakebot.store.database import Database
from intakebot.store.tables import incidents, landings, lanes, metadata, people
from tests.databases import Databases, at_schema, everything

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def made(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    """One that nothing was ever written to."""
    with databases.empty(tmp_path) as url:
        database = Database(url, busy_seconds=0.2)
        yield database
        database.close()


@pytest.fixture
def dumps(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs of the server's own version come first."""
    if databases.server is not None:
        monkeypatch.setenv("PATH", str(databases.server.programs), prepend=os.pathsep)


def restored(saved: str, table: str, databases: Databases, folder: Path) -> list[dict[str, Any]]:
    """The rows of a table in a backup, by column."""
    if databases.server is None:
        with closing(sqlite3.connect(saved)) as copy:
            copy.row_factory = sqlite3.Row
            return [dict(row) for row in copy.execute(f"SELECT * FROM {table}")]  # noqa: S608
    with databases.empty(folder) as url:
        program = databases.server.programs / "pg_restore"
        subprocess.run([program, f"--dbname={url}", saved], check=True)
        other = Database(url)
        with other.read() as connection:
            rows = connection.execute(sa.text(f"SELECT * FROM {table}"))  # noqa: S608
            found = [dict(row._mapping) for row in rows]
        other.close()
    return found


def test_the_migrations_give_exactly_the_tables_that_the_code_uses(made: Database) -> None:
    schema.upgrade(made, now=NOW)
    with made.read() as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, metadata)
    assert differences == []


def test_the_newest_migration_is_the_one_the_code_names(made: Database) -> None:
    assert schema.version(made) is None
    schema.upgrade(made, now=NOW)
    assert schema.version(made) == schema.NEWEST == max(schema._known())


def test_a_second_upgrade_changes_nothing_and_makes_no_backup(
    made: Database, tmp_path: Path
) -> None:
    schema.upgrade(made, now=NOW)
    assert schema.upgrade(made, now=NOW, folder=tmp_path) is None
    assert list(tmp_path.glob("*intakebot.*T*")) == []


def test_a_newer_schema_is_refused_and_left_alone(made: Database) -> None:
    schema.upgrade(made, now=NOW)
    with made.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    before = everything(made)
    with pytest.raises(OperatorError, match="schema 9999, this intakebot knows"):
        schema.upgrade(made, now=NOW)
    assert everything(made) == before


@pytest.mark.usefixtures("dumps")
def test_rows_of_the_first_schema_come_along_and_a_backup_keeps_them_as_they_were(
    made: Database, databases: Databases, tmp_path: Path
) -> None:
    at_schema(made, "0001")
    with made.write() as connection:
        connection.execute(
            sa.text("INSERT INTO repos (id, forge, forge_id, name) VALUES (1, 'git', '1', 'site')")
        )
        connection.execute(
            sa.text("INSERT INTO lanes (repo_id, branch, problem) VALUES (1, 'main', 'It is shut')")
        )
        connection.execute(
            sa.text(
                "INSERT INTO incidents (repo_id, forge_key, kind, account_id, login,"
                " ref, detail, at)"
                " VALUES (1, '7', 'direct-push', '3', 'ada', 'refs/heads/main', 'x', 5)"
            )
        )
    saved = schema.upgrade(made, now=NOW, folder=tmp_path)
    with made.read() as connection:
        lane = connection.execute(sa.select(lanes)).one()
        incident = connection.execute(sa.select(incidents)).one()
    assert (lane.problem, lane.stuck, lane.tip, lane.frozen) == ("It is shut", "", "", "")
    assert (incident.acknowledged_at, incident.acknowledged_by) == (None, "")
    assert saved is not None and Path(saved).stat().st_mode & 0o077 == 0
    assert restored(saved, "alembic_version", databases, tmp_path) == [{"version_num": "0001"}]
    assert [row["name"] for row in restored(saved, "repos", databases, tmp_path)] == ["site"]
    (old,) = restored(saved, "lanes", databases, tmp_path)
    assert old["problem"] == "It is shut" and "stuck" not in old


@pytest.mark.usefixtures("dumps")
def test_landings_of_the_second_schema_were_merges(made: Database, tmp_path: Path) -> None:
    at_schema(made, "0002")
    with made.write() as connection:
        for statement in LANDED_AT_0002:
            connection.execute(sa.text(statement))
    schema.upgrade(made, now=NOW, folder=tmp_path)
    with made.read() as connection:
        landing = connection.execute(sa.select(landings)).one()
    assert (landing.commit, landing.method, landing.tools_digest) == ("c0ffee", "merge", "")


@pytest.mark.usefixtures("dumps")
def test_what_was_there_before_the_chain_is_not_sealed_and_what_comes_after_is(
    made: Database, tmp_path: Path
) -> None:
    at_schema(made, "0003")
    with made.write() as connection:
        for statement in (*LANDED_AT_0002, RECEIPTS_AT_0003):
            connection.execute(sa.text(statement))
    schema.upgrade(made, now=NOW, folder=tmp_path)
    with made.write() as connection:
        assert list(chain.faults(connection)) == [] and chain.count(connection) == 0
        receipts.confirm(connection, 1, "sent", NOW)
        receipts.confirm(connection, 1, "done", NOW)
        assert chain.count(connection) == 1
        connection.execute(sa.text("UPDATE receipts SET head = 'x' WHERE key = 'done'"))
        assert list(chain.faults(connection)) == []
        connection.execute(sa.text("UPDATE receipts SET head = 'x' WHERE key = 'sent'"))
        (fault,) = chain.faults(connection)
    assert (fault.kind, fault.row, fault.what) == ("receipt", 2, CHANGED)


CHANGED = "what it seals was changed afterwards"
# One that is at its end, and one that is being sent.
RECEIPTS_AT_0003 = (
    "INSERT INTO receipts (id, pull_id, key, kind, state, head, rules_digest, detail, at)"
    " VALUES (1, 1, 'done', 'SetStatus', 'done', 'h', 'r', '{}', 5),"
    " (2, 1, 'sent', 'SetStatus', 'sending', 'h', 'r', '{}', 5)"
)
# One landing with all that it stands on.
LANDED_AT_0002 = (
    "INSERT INTO repos (id, forge, forge_id, name) VALUES (1, 'git', '1', 'site')",
    "INSERT INTO lanes (id, repo_id, branch) VALUES (1, 1, 'main')",
    "INSERT INTO pulls (id, repo_id, number, first_seen_at) VALUES (1, 1, 7, 5)",
    "INSERT INTO entries (id, lane_id, pull_id, number, head, asked_by, asked_login, asked_at,"
    " state, added_at) VALUES (1, 1, 1, 7, 'h', '3', 'grace', 5, 'landed', 5)",
    'INSERT INTO landings (id, entry_id, repo_id, pull_id, number, branch, head, base, "commit",'
    " tree, checks, facts_digest, rules_digest, author_id, asked_by, asked_login, fence,"
    " intended_at, landed_at, deploy_branch) VALUES (1, 1, 1, 1, 7, 'main', 'h', 'b',"
    " 'c0ffee', 't', '[]', 'f', 'r', '2', '3', 'grace', 1, 5, 6, 'deploy')",
)


def test_rows_of_the_fourth_schema_come_along_and_calls_can_be_counted(made: Database) -> None:
    at_schema(made, "0004")
    with made.write() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO connections (forge, forge_id, workspace_id, name, intake, deploy,"
                " hook_nonce, hook_id, changes, connected_at) VALUES ('bitbucket-cloud', '{r}',"
                " '{w}', 'acme/site', 'main', 'live', 'n', '{h}', '[{\"what\": \"hook\"}]', 5)"
            )
        )
    schema.upgrade(made, now=NOW, backed_up=True)
    with made.write() as connection:
        calls.add(connection, [calls.Minute("x", NOW, 3, 0, near=False)])
    with made.read() as connection:
        [row] = connections.all_of(connection, "bitbucket-cloud")
        assert calls.since(connection, NOW) == [("x", NOW, 3, 0, False)]
    assert (row.name, row.deploy, row.changes) == ("acme/site", "live", [{"what": "hook"}])


def test_rows_of_the_fifth_schema_come_along_and_workspaces_can_be_followed(made: Database) -> None:
    at_schema(made, "0005")
    with made.write() as connection:
        connection.execute(sa.text("INSERT INTO calls VALUES ('x', 1790000000000000, 3, 20, true)"))
    schema.upgrade(made, now=NOW, backed_up=True)
    acme = {"forge": "bitbucket-cloud", "workspace_id": "{w}", "workspace": "acme", "project": ""}
    with made.write() as connection:
        follows.keep(connection, {**acme, "intake": "", "deploy": "live", "followed_at": NOW})
        [one] = follows.all_of(connection, "bitbucket-cloud")
        [minute] = calls.since(connection, datetime(2020, 1, 1, tzinfo=UTC))
    assert (one.place, one.deploy, one.left_out, one.looked_at) == ("acme", "live", {}, None)
    assert (minute.calls, minute.told_limit, minute.near) == (3, 20, True)


def test_what_a_failing_transaction_wrote_is_gone(made: Database) -> None:
    schema.upgrade(made, now=NOW)
    with pytest.raises(RuntimeError), made.write() as connection:
        connection.execute(sa.insert(people).values(name="x", group="staff", roles=[]))
        raise RuntimeError
    with made.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(people)) == 0


def test_a_database_that_somebody_else_writes_to_is_try_later(made: Database) -> None:
    schema.upgrade(made, now=NOW)
    other = Database(made.url)
    with other.write() as connection:
        work.repo_row(connection, "git", "1")
        with made.read() as reading:
            assert work.all_repos(reading) == []
        with pytest.raises(TryLater, match="can't take it now"), made.write():
            pass
    with made.write() as connection:
        assert len(work.all_repos(connection)) == 1
    other.close()


def test_a_commit_survives_a_power_cut_by_its_settings(made: Database) -> None:
    with made.read() as connection:
        if not made.is_sqlite:
            assert connection.scalar(sa.text("SHOW synchronous_commit")) == "on"
            return
        assert connection.scalar(sa.text("PRAGMA synchronous")) == 2  # FULL
        assert connection.scalar(sa.text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(sa.text("PRAGMA foreign_keys")) == 1


@pytest.mark.parametrize(
    ("url", "cure"),
    [("nonsense", "DATABASE_URL is not"), ("mysql://x/y", "use sqlite or postgresql")],
)
def test_an_address_that_is_none_says_what_one_looks_like(url: str, cure: str) -> None:
    with pytest.raises(OperatorError, match=cure):
        Database(url)


def test_a_migration_killed_half_way_is_done_by_the_next_start(made: Database) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", MIGRATE, made.url],
        env={**os.environ, "INTAKEBOT_CRASH": "migrate.mid:1"},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert schema.version(made) is None
    schema.upgrade(made, now=NOW)
    assert schema.version(made) == schema.NEWEST


MIGRATE = """
import sys
from datetime import UTC, datetime
from intakebot.store import schema
from intakebot.store.database import Database
schema.upgrade(Database(sys.argv[1]), now=datetime.now(UTC))
"""
