"""Deliveries that are stored together are stored and nudge as if each had come alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from intakebot.model import Delivery, Event, Ignored, Kind
from intakebot.store import connections, inbox, work
from intakebot.store.database import Database
from intakebot.store.tables import deliveries, pulls

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
CONNECTED = {
    **{"forge": "bitbucket-cloud", "forge_id": "{x}", "workspace_id": "{w}", "name": "acme/site"},
    **{"intake": "main", "deploy": "main", "hook_nonce": "a" * 32, "connected_at": NOW},
}


def keep(database: Database, *batch: inbox.Item, **how: Any) -> inbox.Kept:
    with database.write_straight() as connection:
        return inbox.keep(connection, batch, **how)


def one(name: str, about: int | None, forge: str = "git", repo: str = "1") -> inbox.Item:
    kind = Kind.PUSH if about is None else Kind.PULL
    delivery = Delivery(forge, name, name.encode(), {}, NOW)
    return delivery, Event(forge, kind, repo, about, None, "3", None)


def stored(database: Database) -> dict[str, sa.Row[tuple[object, ...]]]:
    with database.read() as connection:
        return {row.delivery_id: row for row in connection.execute(sa.select(deliveries))}


def wanted(database: Database) -> dict[int, int]:
    with database.read() as connection:
        rows = connection.execute(sa.select(pulls.c.number, pulls.c.wanted))
        return {row.number: row.wanted for row in rows}


def test_one_nudge_is_enough_for_all_that_speak_of_one_pull_request(
    database: Database,
) -> None:
    first = keep(database, one("a", 7))
    second = keep(database, one("b", 7), one("c", 8), one("d", 7))
    assert [*first.new, *second.new] == [True] * 4
    assert wanted(database) == {7: 2, 8: 1}
    rows = stored(database)
    assert {name: row.wanted for name, row in rows.items()} == {"a": 1, "b": 2, "c": 1, "d": 2}
    bells = {name: f"look:{row.pull_id}" for name, row in rows.items()}
    assert first.bells == [bells["a"]]
    assert second.bells == [bells["b"], bells["c"]]


def test_repeats_in_the_same_batch_and_later_are_told_and_nudge_nothing(
    database: Database,
) -> None:
    assert keep(database, one("a", 7), one("a", 7)).new == [True, False]
    again = keep(database, one("a", 7))
    assert (again.new, again.bells) == ([False], [])
    assert wanted(database) == {7: 1}


def test_a_repeat_that_was_taken_for_new_takes_back_all_that_came_with_it(
    database: Database,
) -> None:
    keep(database, one("a", 7), all_new=True)
    with pytest.raises(inbox.Repeated):
        keep(database, one("b", 8), one("a", 7), all_new=True)
    assert (wanted(database), list(stored(database))) == ({7: 1}, ["a"])


def test_the_same_id_at_another_forge_is_another_delivery(database: Database) -> None:
    kept = keep(database, one("a", 7), one("a", 7, "bitbucket-cloud", "{x}"))
    assert kept.new == [True, True]
    assert len(set(kept.bells)) == 2


def test_what_names_no_pull_request_rings_for_its_repository(database: Database) -> None:
    kept = keep(database, one("a", None), one("b", 7), one("c", None))
    with database.read() as connection:
        repo = work.repo_row(connection, "git", "1")
    assert f"survey:{repo}" in kept.bells
    rows = stored(database)
    assert [(rows[name].repo_id, rows[name].wanted) for name in "ac"] == [(repo, 1)] * 2
    assert rows["a"].pull_id is None


def test_what_is_ignored_is_kept_with_the_reason_and_rings_for_nothing(
    database: Database,
) -> None:
    delivery, _ = one("a", 7)
    strange = one("b", 7, "bitbucket-cloud", "{x}")
    kept = keep(
        database, (delivery, Ignored("a wiki")), strange, by_connection=("bitbucket-cloud",)
    )
    assert (kept.new, kept.bells) == ([True, True], [])
    why = {name: row.ignored for name, row in stored(database).items()}
    assert why == {"a": "a wiki", "b": "its repository is not connected"}
    assert wanted(database) == {}


def test_each_value_is_kept_as_any_other_way_would_keep_it(database: Database) -> None:
    headers = {"X-Event-Key": "pullrequest:created \u00e9"}
    at = datetime(2026, 11, 23, 9, 0, 0, 123_457, tzinfo=UTC)
    delivery = Delivery("git", "a", b"\x00\xff{}", headers, at)
    event = Event("git", Kind.COMMENT, "1", 7, None, "no\0body", None)
    keep(database, (delivery, event))
    row: Any = stored(database)["a"]
    assert (row.body, row.headers, row.received_at) == (delivery.body, headers, at)
    assert (row.actor, row.kind, row.ignored) == ("no\0body", "comment", "")


def test_a_hook_speaks_for_its_own_connected_repository_alone(database: Database) -> None:
    with database.write() as connection:
        connections.keep(connection, CONNECTED)
    by_nonce = {
        nonce: Delivery("bitbucket-cloud", f"by {nonce}", b"{}", {}, NOW, nonce=nonce)
        for nonce in (None, "a" * 32, "b" * 32)
    }
    event = Event("bitbucket-cloud", Kind.PULL, "{x}", 7, None, "3", None)
    batch = [(delivery, event) for delivery in by_nonce.values()]
    keep(database, *batch, by_connection=("bitbucket-cloud",))
    why = {name: row.ignored for name, row in stored(database).items()}
    assert why == {
        "by None": "",
        f"by {'a' * 32}": "",
        f"by {'b' * 32}": "its hook was made for another repository",
    }
    assert wanted(database) == {7: 1}
