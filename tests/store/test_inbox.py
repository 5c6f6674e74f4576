"""Deliveries that are stored together are stored and nudge as if each had come alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from intakebot.model import Delivery, Event, Ignored, Kind
from intakebot.store import inbox, schema, work
from intakebot.store.database import Database
from intakebot.store.tables import deliveries, pulls

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    schema.upgrade(database, now=NOW)
    with database.write() as connection:
        yield connection
    database.close()


def one(name: str, about: int | None, forge: str = "git", repo: str = "1") -> inbox.Item:
    kind = Kind.PUSH if about is None else Kind.PULL
    delivery = Delivery(forge, name, name.encode(), {}, NOW)
    return delivery, Event(forge, kind, repo, about, None, "3", None)


def stored(connection: sa.Connection) -> dict[str, sa.Row[tuple[object, ...]]]:
    return {row.delivery_id: row for row in connection.execute(sa.select(deliveries))}


def wanted(connection: sa.Connection) -> dict[int, int]:
    rows = connection.execute(sa.select(pulls.c.number, pulls.c.wanted))
    return {row.number: row.wanted for row in rows}


def test_one_nudge_is_enough_for_all_that_speak_of_one_pull_request(
    connection: sa.Connection,
) -> None:
    first = inbox.keep(connection, [one("a", 7)])
    second = inbox.keep(connection, [one("b", 7), one("c", 8), one("d", 7)])
    assert [*first.new, *second.new] == [True] * 4
    assert wanted(connection) == {7: 2, 8: 1}
    rows = stored(connection)
    assert {name: row.wanted for name, row in rows.items()} == {"a": 1, "b": 2, "c": 1, "d": 2}
    bells = {name: f"look:{row.pull_id}" for name, row in rows.items()}
    assert first.bells == [bells["a"]]
    assert second.bells == [bells["b"], bells["c"]]


def test_repeats_in_the_same_batch_and_later_are_told_and_nudge_nothing(
    connection: sa.Connection,
) -> None:
    assert inbox.keep(connection, [one("a", 7), one("a", 7)]).new == [True, False]
    again = inbox.keep(connection, [one("a", 7)])
    assert (again.new, again.bells) == ([False], [])
    assert wanted(connection) == {7: 1}


def test_a_repeat_that_was_taken_for_new_takes_back_all_that_came_with_it(
    connection: sa.Connection,
) -> None:
    inbox.keep(connection, [one("a", 7)], all_new=True)
    with pytest.raises(inbox.Repeated), connection.begin_nested():
        inbox.keep(connection, [one("b", 8), one("a", 7)], all_new=True)
    assert (wanted(connection), list(stored(connection))) == ({7: 1}, ["a"])


def test_the_same_id_at_another_forge_is_another_delivery(connection: sa.Connection) -> None:
    kept = inbox.keep(connection, [one("a", 7), one("a", 7, "bitbucket-cloud", "{x}")])
    assert kept.new == [True, True]
    assert len(set(kept.bells)) == 2


def test_what_names_no_pull_request_rings_for_its_repository(connection: sa.Connection) -> None:
    kept = inbox.keep(connection, [one("a", None), one("b", 7), one("c", None)])
    repo = work.repo_row(connection, "git", "1")
    assert f"survey:{repo}" in kept.bells
    rows = stored(connection)
    assert [(rows[name].repo_id, rows[name].wanted) for name in "ac"] == [(repo, 1)] * 2
    assert rows["a"].pull_id is None


def test_what_is_ignored_is_kept_with_the_reason_and_rings_for_nothing(
    connection: sa.Connection,
) -> None:
    delivery, _ = one("a", 7)
    strange = one("b", 7, "bitbucket-cloud", "{x}")
    kept = inbox.keep(connection, [(delivery, Ignored("a wiki")), strange], ("bitbucket-cloud",))
    assert (kept.new, kept.bells) == ([True, True], [])
    why = {name: row.ignored for name, row in stored(connection).items()}
    assert why == {"a": "a wiki", "b": "its repository is not connected"}
    assert wanted(connection) == {}
