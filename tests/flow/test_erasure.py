"""`intakebot people export` and `people erase`: all there is about somebody, and then nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from intakebot.flow.house import House
from intakebot.flow.sweep import Clock
from intakebot.model import Account, Group, Incident
from intakebot.store import assessments, incidents, traces
from intakebot.store.tables import Text, accounts, deliveries, erasures, metadata, pulls, receipts
from intakebot.wiring import built_in_forge
from intakebot.world.people import Somebody
from tests.databases import Databases, everything
from tests.flow.conftest import CHECKS, SITE, ada, checking_shop, grace
from tests.flow.workshop import Workshop


@pytest.fixture(scope="module")
def lived(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, checking: House
) -> Iterator[tuple[Workshop, Somebody, Callable[[], None]]]:
    """Zelda of Alder has landed one change and closed another, and others have named her."""
    files = {**SITE, ".intakebot.toml": CHECKS}
    with checking_shop(tmp_path_factory.mktemp("lived"), databases, checking, files) as shop:
        boss, other = grace(shop), ada(shop)
        zelda = shop.person("zelda", Group.AGENCY, agency="Alder")
        one = shop.opens(zelda, {"a.html": "<p>BROKEN</p>\n"}, title="Add what Zelda has drawn")
        shop.settle()
        shop.pushes(zelda, {"a.html": "<p>1</p>\n"})
        shop.settle()
        shop.say(boss, one, "Thank you, @zelda! But why?")
        shop.says(zelda, one, "/merge")
        shop.land(boss, one)
        two = shop.opens(zelda, {"b.html": "<p>2</p>\n"}, branch="two")
        shop.settle()
        shop.say(zelda, two, "/hold until @zelda is back\nNot yet.")
        shop.settle()
        shop.change(zelda, two, state="closed")
        shop.land(boss, shop.opens(other, {"c.html": "<p>3</p>\n"}, branch="three"))
        shop.house.database.close()
        with shop.house.database.write() as connection:
            account = Account(shop.pull(one).author.id, "zelda")
            past = Incident(
                "1", "direct-push", "1", account, shop.now(), "refs/heads/main", "by zelda"
            )
            incidents.keep(connection, 1, [past])
            assessments.remark(
                connection, "Alder", text="Zelda will mend it", by="Zelda", at=shop.now()
            )
        shop.house.database.close()
        with databases.kept(shop.house.database.url) as put_back:
            yield shop, zelda, put_back


@pytest.fixture
def shop(lived: tuple[Workshop, Somebody, Callable[[], None]]) -> Iterator[Workshop]:
    shop, _, put_back = lived
    yield shop
    shop.house.database.close()
    put_back()


def fine(shop: Workshop, *words: str) -> str:
    done = shop.cli(*words)
    assert done.exit_code == 0, done.output
    return done.stdout


def said(shop: Workshop) -> str:
    """All that the house's database says, in small letters."""
    found = everything(shop.house.database)
    return "\n".join(str(tuple(row)) for rows in found.values() for row in rows).lower()


def numbers(shop: Workshop) -> Any:
    """Of the report, without what people have said in their own words."""
    told = json.loads(fine(shop, "report", "--json"))["agencies"]
    return {name: {**one, "remarks": len(one["remarks"])} for name, one in told.items()}


def test_what_was_tried_without_doing_it_changes_nothing(shop: Workshop) -> None:
    before = everything(shop.house.database)
    told = fine(shop, "people", "erase", "zelda", "--dry-run")
    assert "2  pull requests" in told and "Nothing was changed" in told
    assert everything(shop.house.database) == before


@pytest.mark.both
def test_who_is_erased_is_nowhere_named_and_every_total_stays(
    shop: Workshop, lived: tuple[Workshop, Somebody, Callable[[], None]]
) -> None:
    zelda = lived[1]
    assert said(shop).count("zelda") > 30
    before = numbers(shop)
    told = json.loads(fine(shop, "people", "erase", "Zelda", "--yes", "--json"))
    left = said(shop)
    assert "zelda" not in left and told["stand_in"] in left
    assert numbers(shop) == before, "totals of the agency are what they were"
    with closing(sqlite3.connect(shop.state / "forge.db")) as forge:
        assert "zelda" not in "\n".join(forge.iterdump()).lower()
    assert zelda.forge("GET", "/api/repos").status_code == 401, "her token ended"
    assert not (shop.state / "git" / "zelda").exists()
    assert "All 9 promises" in fine(shop, "verify")
    again = shop.cli("people", "erase", "zelda", "--yes")
    assert again.exit_code == 2 and "nobody on the roster is called 'zelda'" in again.output


def test_one_that_was_interrupted_after_the_forge_is_finished_by_the_next(shop: Workshop) -> None:
    """The forge goes first, and the house is what still knows whose account it is."""
    (zelda,) = shop.rows(sa.select(accounts.c.account_id).where(accounts.c.login == "zelda"))
    for _ in range(2):
        built_in_forge(shop.settings).forget_person(zelda[0], str.upper)
    assert f"erased-{zelda[0]}" in [one["login"] for one in built_in_forge(shop.settings).people()]
    fine(shop, "people", "erase", "zelda", "--yes")
    assert "zelda" not in said(shop)


@pytest.mark.both
def test_what_is_changed_besides_an_erasure_is_still_found(shop: Workshop) -> None:
    fine(shop, "people", "erase", "zelda", "--yes")
    with shop.house.database.write() as connection:
        (row, detail) = connection.execute(
            sa.select(receipts.c.id, receipts.c.detail)
            .where(sa.cast(receipts.c.detail, sa.Text).contains("erased-"))
            .limit(1)
        ).one()
        changed = {**detail, "text": "nothing of the sort"}
        connection.execute(sa.update(receipts).where(receipts.c.id == row).values(detail=changed))
    done = shop.cli("verify", "--offline")
    assert done.exit_code == 1, done.output
    assert f"receipt {row}: what it seals was changed" in done.output


def test_what_was_changed_before_is_not_covered_up_by_an_erasure(shop: Workshop) -> None:
    with shop.house.database.write() as connection:
        row = connection.scalar(
            sa.select(receipts.c.id)
            .where(sa.cast(receipts.c.detail, sa.Text).contains("zelda"))
            .limit(1)
        )
        detail = connection.scalar(sa.select(receipts.c.detail).where(receipts.c.id == row))
        changed = {**(detail or {}), "text": "Nothing of the sort, zelda"}
        connection.execute(sa.update(receipts).where(receipts.c.id == row).values(detail=changed))
    before = everything(shop.house.database)
    done = shop.cli("people", "erase", "zelda", "--yes")
    assert done.exit_code == 1, done.output
    assert f"receipt {row}: what it seals was changed" in done.output
    assert everything(shop.house.database) == before


def test_an_erasure_that_nobody_sealed_hides_nothing(shop: Workshop) -> None:
    with shop.house.database.write() as connection:
        connection.execute(
            sa.insert(erasures).values(stand_in="erased-x", rewritten=[], at=shop.now())
        )
    done = shop.cli("verify", "--offline")
    assert done.exit_code == 1 and "erasure 1: it was never sealed" in done.output


def test_whoever_has_something_open_is_told_to_end_it_first(shop: Workshop) -> None:
    with shop.house.database.write() as connection:
        connection.execute(sa.update(pulls).where(pulls.c.number == 2).values(open=True))
    before = everything(shop.house.database)
    done = shop.cli("people", "erase", "zelda", "--yes")
    assert done.exit_code == 1 and "site#2 is open" in done.output
    assert everything(shop.house.database) == before


@pytest.mark.both
def test_what_is_handed_out_is_about_them_and_nobody_else(shop: Workshop, tmp_path: Path) -> None:
    out = tmp_path / "zelda.json"
    fine(shop, "people", "export", "zelda", "--out", str(out))
    assert out.stat().st_mode & 0o777 == 0o600
    told = json.loads(out.read_text("utf-8"))
    assert [one["number"] for one in told["pulls"]] == [1, 2]
    assert {one["name"] for one in told["words"]} == {"merge", "hold"}
    assert told["names"] == ["Zelda", "zelda"] and told["people"][0]["agency"] == "Alder"
    assert [one["text"] for one in told["remarks"]] == ["Zelda will mend it"]
    assert told["mentions"]["receipts.detail"] > 0 and told["looks"]
    assert "ada" not in {one["author_login"] for one in told["pulls"]}
    account = told["accounts"][0]["account_id"]
    by_id = json.loads(fine(shop, "people", "export", "--account", "git", account))
    assert by_id["words"] == told["words"]


def test_what_a_forge_sent_is_emptied_after_a_month_and_new_ones_stay(shop: Workshop) -> None:
    now = shop.now()
    sent = {"forge": "git", "headers": {"x": "1"}, "body": b"{}", "body_sha256": "0"}
    sent |= {"ignored": "a test"}
    with shop.house.database.write() as connection:
        for at, days in enumerate((40, 31, 29, 0)):
            when = now - timedelta(days=days)
            connection.execute(
                sa.insert(deliveries).values(**sent, delivery_id=f"{at}", received_at=when)
            )
    clock = Clock(shop.house)
    for _ in range(2):  # the second finds nothing to do
        clock.told_at = now - timedelta(days=2)
        clock.sweep()
        kept = shop.rows(sa.select(deliveries).order_by(deliveries.c.id))
        assert [row.body for row in kept] == [b"", b"", b"{}", b"{}"]
        assert [row.headers for row in kept] == [{}, {}, {"x": "1"}, {"x": "1"}]
    assert "All 9 promises" in fine(shop, "verify")


def test_an_account_that_nobody_ever_saw_is_said_to_be_unknown(shop: Workshop) -> None:
    done = shop.cli("people", "export", "--account", "git", "4711")
    assert done.exit_code == 1 and "nothing is held about this account" in done.output
    done = shop.cli("people", "erase")
    assert done.exit_code == 2 and "say a login or a name" in done.output


def test_no_column_of_text_is_on_no_list() -> None:
    """One that comes later must say whether it can name somebody."""
    nameless = {
        "repos": {
            *("forge", "forge_id", "name", "clone_url", "intake", "deploy"),
            *("pulls_cursor", "incidents_cursor"),
        },
        "pulls": {"state", "turn", "head", "target", "url"},
        "looks": {"head", "base", "facts_digest", "rules_digest", "state", "turn"},
        "first_verdicts": {"head", "state"},
        "happenings": {"kind", "key", "head", "digest", "state"},
        "words": {"comment_id", "name", "head", "target", "said"},
        "runs": {"name", "definition", "digest", "tree", "state", "outcome", "tried", "branch"},
        "run_wants": {"purpose"},
        "receipts": {"key", "kind", "state", "head", "rules_digest"},
        "marks": {"comment_id", "key"},
        "connections": {
            *("forge", "forge_id", "workspace_id", "name", "intake", "deploy", "hook_nonce"),
            *("hook_id", "changes"),
        },
        "follows": {
            *("forge", "workspace_id", "workspace", "project", "intake", "deploy", "left_out"),
        },
        "calls": {"counted_by"},
        "lanes": {"branch", "tip"},
        "entries": {"head", "state", "base", "commit", "tree"},
        "landings": {
            *("branch", "head", "base", "commit", "tree", "checks", "facts_digest"),
            *("rules_digest", "deploy_branch", "method", "tools_digest"),
        },
        "links": {"kind", "digest", "hash"},
        "chain": {"hash"},
        "erasures": {"stand_in", "rewritten"},
        "incidents": {"forge_key", "kind"},
        "people": {"group", "agency", "roles"},
        "accounts": {"forge"},
        "decisions": {"agency", "verdict", "inputs"},
        "remarks": {"agency"},
        "sign_ins": {"token_sha256", "forge"},
        "past_pulls": {"url"},
        "notices": {"agency", "advice", "inputs"},
        "letters": {"key"},
    }
    unlisted = set()
    for table in metadata.sorted_tables:
        if table in traces.WHOLE:
            continue
        listed = {
            *nameless.get(table.name, set()),
            *traces.IDS.get(table, ()),
            *traces.BY_NAME.get(table, ()),
            *traces.PROSE.get(table, ()),
        }
        for (name, _), called in traces.CALLED.items():
            listed |= set(called) if name == table.name else set()
        for column in table.c:
            tells = isinstance(column.type, Text | sa.Text | sa.JSON | sa.LargeBinary)
            if tells and column.name not in listed and column.name != "lease_owner":
                unlisted.add(f"{table.name}.{column.name}")
    assert not unlisted
