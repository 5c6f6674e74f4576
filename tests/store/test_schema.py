"""The schema: made, backed up and brought up to date, and never taken backwards."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from intakebot.model import OperatorError, TryLater
from intakebot.store import chain, receipts, schema
from intakebot.store.database import Database
from intakebot.store.tables import incidents, landings, lanes, metadata, people, repos

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'a.db'}", busy_seconds=0.2)


def test_the_migrations_give_exactly_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    made = database(tmp_path)
    schema.upgrade(made, now=NOW)
    with made.read() as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, metadata)
    made.close()
    assert differences == []


def test_the_newest_migration_is_the_one_the_code_names(tmp_path: Path) -> None:
    made = database(tmp_path)
    assert schema.version(made) is None
    schema.upgrade(made, now=NOW)
    assert schema.version(made) == schema.NEWEST == max(schema._known())
    made.close()


def test_a_second_upgrade_changes_nothing_and_makes_no_backup(tmp_path: Path) -> None:
    made = database(tmp_path)
    schema.upgrade(made, now=NOW)
    assert schema.upgrade(made, now=NOW) is None
    assert list(tmp_path.glob("*.backup")) == []
    made.close()


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    made = database(tmp_path)
    schema.upgrade(made, now=NOW)
    with made.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    before = (tmp_path / "a.db").read_bytes()
    with pytest.raises(OperatorError, match="schema 9999, this intakebot knows"):
        schema.upgrade(made, now=NOW)
    assert (tmp_path / "a.db").read_bytes() == before
    made.close()


def test_a_backup_holds_the_rows_of_before(tmp_path: Path) -> None:
    made = database(tmp_path)
    schema.upgrade(made, now=NOW)
    with made.write() as connection:
        connection.execute(sa.insert(repos).values(forge="git", forge_id="1", name="site"))
    saved = schema._back_up(made, NOW)
    made.close()
    assert saved is not None and saved.name == "a.db.20261123T090000.backup"
    with closing(sqlite3.connect(saved)) as copy:
        assert copy.execute("SELECT name FROM repos").fetchall() == [("site",)]


def test_rows_of_the_first_schema_come_along_and_a_backup_keeps_them_as_they_were(
    tmp_path: Path,
) -> None:
    made = database(tmp_path)
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
    saved = schema.upgrade(made, now=NOW)
    with made.read() as connection:
        lane = connection.execute(sa.select(lanes)).one()
        incident = connection.execute(sa.select(incidents)).one()
    made.close()
    assert (lane.problem, lane.stuck, lane.tip, lane.frozen) == ("It is shut", "", "", "")
    assert (incident.acknowledged_at, incident.acknowledged_by) == (None, "")
    assert saved is not None
    with closing(sqlite3.connect(saved)) as copy:
        assert copy.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]


def test_landings_of_the_second_schema_were_merges(tmp_path: Path) -> None:
    made = database(tmp_path)
    at_schema(made, "0002")
    with made.write() as connection:
        for statement in LANDED_AT_0002:
            connection.execute(sa.text(statement))
    schema.upgrade(made, now=NOW)
    with made.read() as connection:
        landing = connection.execute(sa.select(landings)).one()
    made.close()
    assert (landing.commit, landing.method, landing.tools_digest) == ("c0ffee", "merge", "")


def test_what_was_there_before_the_chain_is_not_sealed_and_what_comes_after_is(
    tmp_path: Path,
) -> None:
    made = database(tmp_path)
    at_schema(made, "0003")
    with made.write() as connection:
        for statement in (*LANDED_AT_0002, RECEIPTS_AT_0003):
            connection.execute(sa.text(statement))
    schema.upgrade(made, now=NOW)
    with made.write() as connection:
        assert list(chain.faults(connection)) == [] and chain.count(connection) == 0
        receipts.confirm(connection, 1, "sent", NOW)
        receipts.confirm(connection, 1, "done", NOW)
        assert chain.count(connection) == 1
        connection.execute(sa.text("UPDATE receipts SET head = 'x' WHERE key = 'done'"))
        assert list(chain.faults(connection)) == []
        connection.execute(sa.text("UPDATE receipts SET head = 'x' WHERE key = 'sent'"))
        (fault,) = chain.faults(connection)
    made.close()
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


def at_schema(made: Database, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    with made.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def test_what_a_failing_transaction_wrote_is_gone(tmp_path: Path) -> None:
    made = database(tmp_path)
    schema.upgrade(made, now=NOW)
    with pytest.raises(RuntimeError), made.write() as connection:
        connection.execute(sa.insert(people).values(name="x", group="staff", roles=[]))
        raise RuntimeError
    with made.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(people)) == 0
    made.close()


def test_a_database_that_somebody_else_holds_is_try_later(tmp_path: Path) -> None:
    made = database(tmp_path)
    schema.upgrade(made, now=NOW)
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TryLater, match="can't take it now"), made.write():
            pass
    made.close()


def test_a_commit_survives_a_power_cut_by_its_settings(tmp_path: Path) -> None:
    made = database(tmp_path)
    with made.read() as connection:
        assert connection.scalar(sa.text("PRAGMA synchronous")) == 2  # FULL
        assert connection.scalar(sa.text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(sa.text("PRAGMA foreign_keys")) == 1
    made.close()


@pytest.mark.parametrize(
    ("url", "cure"),
    [("nonsense", "DATABASE_URL is not"), ("mysql://x/y", "use sqlite or postgresql")],
)
def test_an_address_that_is_none_says_what_one_looks_like(url: str, cure: str) -> None:
    with pytest.raises(OperatorError, match=cure):
        Database(url)


def test_a_migration_killed_half_way_is_done_by_the_next_start(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", MIGRATE, str(tmp_path / "a.db")],
        env={**os.environ, "INTAKEBOT_CRASH": "migrate.mid:1"},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    made = database(tmp_path)
    assert schema.version(made) is None
    schema.upgrade(made, now=NOW)
    assert schema.version(made) == schema.NEWEST
    made.close()


MIGRATE = """
import sys
from datetime import UTC, datetime
from intakebot.store import schema
from intakebot.store.database import Database
schema.upgrade(Database(f"sqlite:///{sys.argv[1]}"), now=datetime.now(UTC))
"""
