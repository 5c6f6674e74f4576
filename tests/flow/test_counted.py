"""What pull requests came to that are over is written down, and never outlives its evidence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from benchmarks.common.past import Past as Lived
from intakebot import settings
from intakebot.cli.main import main
from intakebot.cli.report import MANY
from intakebot.core.checking import Task
from intakebot.core.reportfile import Basis
from intakebot.core.workhours import WEEKDAYS
from intakebot.flow.count import count
from intakebot.flow.house import House
from intakebot.flow.sweep import Clock
from intakebot.model import CheckDefinition, Outcome
from intakebot.report.count import write_down
from intakebot.report.whose import Key
from intakebot.store import counted, opinions, runs
from intakebot.store.database import Database
from intakebot.store.tables import counted as rows_counted
from intakebot.store.tables import (
    facts,
    first_verdicts,
    happenings,
    landings,
    looks,
    pulls,
    repos,
    words,
)
from intakebot.store.tables import opinions as opinions_given
from intakebot.wiring import build_house
from intakebot.world.people import Somebody
from tests import crashes
from tests.databases import Databases
from tests.flow import dying
from tests.flow.conftest import SITE, ada, checking_shop, grace
from tests.flow.workshop import Rings, Workshop

LANDED, CLOSED, OPEN = 1, 2, 3  # pull requests
DESCRIBED = "description=As the shop has asked for, before the sale."

# Work is counted by it whenever the tests run.
ALL_HOURS = """\
[calendar]
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
from = "00:00"
until = "23:59:59.999999"
"""


@dataclass(frozen=True)
class Past:
    """Ada of Alder has landed one change and closed another; a third is open."""

    shop: Workshop
    boss: Somebody
    ada: Somebody


@pytest.fixture(scope="module")
def lived(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, checking: House
) -> Iterator[tuple[Past, Callable[[], None]]]:
    with checking_shop(tmp_path_factory.mktemp("lived"), databases, checking, SITE) as shop:
        past = Past(shop, grace(shop), ada(shop))
        titles = {LANDED: "Add page one", CLOSED: "Add page two", OPEN: "Add page three"}
        for number, title in titles.items():
            files = {f"{number}.html": f"{number}\n"}
            assert number == shop.opens(
                past.ada, files, branch=f"n{number}", title=title, options=(DESCRIBED,)
            )
            shop.settle()
        shop.land(past.boss, LANDED)
        shop.change(past.ada, CLOSED, state="closed")
        shop.settle()
        shop.house.database.close()
        with databases.kept(shop.house.database.url) as put_back:
            yield past, put_back


@pytest.fixture
def past(lived: tuple[Past, Callable[[], None]]) -> Iterator[Past]:
    past, put_back = lived
    Path(past.shop.state, "report.toml").write_text(ALL_HOURS)
    yield past
    past.shop.house.database.close()
    put_back()


@pytest.fixture
def shop(past: Past) -> Workshop:
    return past.shop


def written(shop: Workshop) -> set[int]:
    """Numbers of pull requests that need not be counted."""
    query = sa.select(pulls.c.number).join(rows_counted, rows_counted.c.pull_id == pulls.c.id)
    return {row.number for row in shop.rows(query)}


def report(shop: Workshop) -> str:
    """Every number of it, and every row of the evidence."""
    page, numbers = (shop.cli("report", "--format", form) for form in ("html", "json"))
    assert page.exit_code == numbers.exit_code == 0, page.output + numbers.output
    return page.output + numbers.output


def counted_anew(shop: Workshop) -> str:
    with shop.house.database.write() as connection:
        counted.forget(connection)
    return report(shop)


@pytest.mark.both
def test_what_is_over_is_written_down_and_read_and_what_is_open_is_counted_each_time(
    shop: Workshop,
) -> None:
    anew = report(shop)
    count(shop.house)
    assert written(shop) == {LANDED, CLOSED}
    assert report(shop) == anew
    alter(shop)
    assert submissions(shop) == {"Elder": 2, "Alder": 1}


def alter(shop: Workshop) -> None:
    """What was written now speaks of another agency: nothing else tells that it is read."""
    with shop.house.database.write() as connection:
        for row in connection.execute(sa.select(rows_counted)).all():
            told = row.body.replace("Alder", "Elder")
            of_it = rows_counted.c.pull_id == row.pull_id
            connection.execute(sa.update(rows_counted).where(of_it).values(body=told))


def submissions(shop: Workshop) -> dict[str, int]:
    agencies = json.loads(shop.cli("report", "--json").output)["agencies"]
    return {name: one["submissions"] for name, one in agencies.items()}


@pytest.mark.parametrize(
    ("person", "read"),
    [
        (("bob", "--group", "agency", "--agency", "Birch"), {"Elder": 2, "Alder": 1}),
        (("grace", "--group", "staff", "--from", "2020-01-01"), {"Elder": 1, "Alder": 2}),
        (("ada", "--group", "agency", "--agency", "Alder", "--from", "2020-01-01"), {"Alder": 3}),
    ],
    ids=["who has done nothing", "who has landed one", "who has written all"],
)
def test_who_changes_on_the_roster_has_their_own_counted_again_and_no_others(
    past: Past, person: Sequence[str], read: dict[str, int]
) -> None:
    count(past.shop.house)
    alter(past.shop)
    added = past.shop.cli("people", "add", *person)
    assert added.exit_code == 0, added.output
    assert submissions(past.shop) == read
    count(past.shop.house)
    assert submissions(past.shop) == read
    assert written(past.shop) == {LANDED, CLOSED}


def test_the_clock_has_it_done_every_ten_minutes(shop: Workshop) -> None:
    clock = Clock(shop.house)
    clock.sweep()
    shop.settle()
    assert LANDED in written(shop)
    with shop.house.database.write() as connection:
        counted.forget(connection)
    for minutes, there in ((9, False), (2, True)):
        shop.passes(timedelta(minutes=minutes))
        clock.sweep()
        shop.settle()
        assert (LANDED in written(shop)) is there


# --- what happens to it afterwards ----------------------------------------------------


def is_asked(past: Past) -> None:
    past.shop.say(past.boss, LANDED, "Why is it called one?")
    past.shop.look_again(LANDED)


def has_an_opinion(past: Past) -> None:
    (row,) = past.shop.rows(sa.select(pulls.c.id).where(pulls.c.number == LANDED))
    with past.shop.house.database.write() as connection:
        opinions.give(connection, row.id, "somebody", 5, past.shop.now())


def is_of_another_agency(past: Past) -> None:
    add = ("people", "add", "ada", "--group", "agency", "--agency", "Birch")
    assert past.shop.cli(*add).exit_code == 0


def is_counted_by_another_calendar(past: Past) -> None:
    far_from_all_of_it = past.shop.now() + timedelta(days=3)
    days = f'days = ["{WEEKDAYS[far_from_all_of_it.weekday()]}"]'
    Path(past.shop.state, "report.toml").write_text(f"[calendar]\n{days}\n")


def has_to_name_a_ticket(past: Past) -> None:
    text = '[description]\nticket = "[A-Z]+-[0-9]+"\n'
    Path(past.shop.state, "report.toml").write_text(ALL_HOURS + text)


CHANGES = (
    *(is_asked, has_an_opinion, is_of_another_agency),
    *(is_counted_by_another_calendar, has_to_name_a_ticket),
)


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_afterwards_is_in_the_next_report(
    past: Past, change: Callable[[Past], None]
) -> None:
    count(past.shop.house)
    before = report(past.shop)
    change(past)
    after = report(past.shop)
    assert after != before
    count(past.shop.house)
    assert report(past.shop) == after == counted_anew(past.shop)


def test_one_that_is_opened_again_is_counted_each_time_until_it_is_over_again(past: Past) -> None:
    shop = past.shop
    count(shop.house)
    over = report(shop)
    shop.change(past.ada, CLOSED, state="open")
    shop.settle()
    count(shop.house)
    assert written(shop) == {LANDED}
    opened = report(shop)
    assert opened != over and opened == counted_anew(shop)
    shop.change(past.ada, CLOSED, state="closed")
    shop.settle()
    count(shop.house)
    assert written(shop) == {LANDED, CLOSED} and report(shop) == counted_anew(shop)


@pytest.mark.both
def test_nothing_that_was_written_of_an_erased_person_stays(checked_shop: Workshop) -> None:
    shop, ann = checked_shop, ada(checked_shop)
    number = shop.opens(ann, {"one.html": "1\n"}, title="Add what Ada has drawn")
    shop.settle()
    shop.change(ann, number, state="closed")
    shop.settle()
    count(shop.house)
    assert written(shop) == {number}
    done = shop.cli("people", "erase", "ada", "--yes")
    assert done.exit_code == 0, done.output
    assert written(shop) == set()
    after = report(shop)
    count(shop.house)
    assert report(shop) == after and written(shop) == {number}


def test_a_check_that_turns_out_to_run_tests_has_it_counted_again(past: Past) -> None:
    shop, lint = past.shop, CheckDefinition("page", ("x",), "none", "-", 60, 1 << 20, "digest")
    failed = [{"digest": lint.digest, "outcome": Outcome.FAILED.value}]
    of_it = looks.c.pull_id == _id(past, LANDED)
    with shop.house.database.write() as connection:
        connection.execute(sa.update(looks).where(of_it).values(checks=failed))
    count(shop.house)
    before = report(shop)
    (pull,) = shop.rows(sa.select(pulls).where(pulls.c.number == OPEN))
    with shop.house.database.write() as connection:
        tests = Task(replace(lint, name="unit tests"), "tree")
        runs.ask(connection, pull.repo_id, pull.id, "look", tests, shop.now())
    assert written(shop) == {LANDED, CLOSED}
    after = report(shop)
    assert after != before and after == counted_anew(shop)


EVIDENCE = (looks, first_verdicts, happenings, words, opinions_given, landings)
OF_PULL = ("number", "author_id", "title", "first_seen_at", "looked_at", "state", "open")
ELSEWHERE = (*(pulls.c[name] for name in OF_PULL), repos.c.name, repos.c.forge, facts.c.body)


@pytest.mark.both
@pytest.mark.parametrize("table", EVIDENCE, ids=lambda table: str(table.name))
def test_whatever_is_done_to_its_evidence_has_it_counted_again(past: Past, table: sa.Table) -> None:
    """Also by hand, in the database itself."""
    has_an_opinion(past)
    of_it = table.c.pull_id == _id(past, LANDED)
    row = past.shop.rows(sa.select(table).where(of_it).order_by(*table.primary_key))[-1]
    this = [column == row._mapping[column.name] for column in table.primary_key]
    for change in (
        sa.update(table).where(*this).values(pull_id=table.c.pull_id),
        sa.delete(table).where(*this),
        sa.insert(table).values(dict(row._mapping)),
    ):
        count(past.shop.house)
        assert written(past.shop) == {LANDED, CLOSED}
        with past.shop.house.database.write() as connection:
            connection.execute(change)
        assert written(past.shop) == {CLOSED}


@pytest.mark.both
@pytest.mark.parametrize("column", ELSEWHERE, ids=str)
def test_what_is_said_of_it_elsewhere_has_it_counted_again(
    past: Past, column: sa.Column[object]
) -> None:
    count(past.shop.house)
    with past.shop.house.database.write() as connection:
        connection.execute(sa.update(column.table).values({column: column}))
    assert written(past.shop) == set()


def test_a_nudge_that_finds_nothing_new_keeps_it(past: Past) -> None:
    count(past.shop.house)
    with past.shop.house.database.write() as connection:
        connection.execute(sa.update(pulls).values(wanted=pulls.c.wanted + 1, problem="x"))
    assert written(past.shop) == {LANDED, CLOSED}


def _id(past: Past, number: int) -> int:
    (row,) = past.shop.rows(sa.select(pulls.c.id).where(pulls.c.number == number))
    return int(row.id)


# --- killed on the way ----------------------------------------------------------------


@pytest.mark.parametrize(("step", "times"), crashes.cases("count"))
def test_counting_goes_on_where_it_was_killed(past: Past, step: str, times: int) -> None:
    anew = report(past.shop)
    past.shop.house.database.close()
    assert dying.dies(lambda: _one_by_one(past.shop), step, times)
    kept = times - (step == "count.before_commit")
    assert len(written(past.shop)) == kept
    count(past.shop.house)
    assert written(past.shop) == {LANDED, CLOSED} and report(past.shop) == anew


def _one_by_one(shop: Workshop) -> None:
    database = Database(shop.settings.database_url)
    write_down(database, Basis(), Key(shop.settings.session_secret), at_once=1)


# --- a large house --------------------------------------------------------------------


def test_a_report_that_takes_long_says_how_far_it_is(
    tmp_path: Path, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    with databases.house(tmp_path) as url:
        database = Database(url)
        Lived(MANY + 50).live(database)
        monkeypatch.setenv("INTAKEBOT_STATE", str(tmp_path))
        monkeypatch.setenv("DATABASE_URL", url)
        first = CliRunner().invoke(main, ["report", "--json"])
        assert first.exit_code == 0 and "Pull requests to count" in first.stderr
        house = build_house(settings.load(tmp_path, {"DATABASE_URL": url}), bell=Rings())
        count(house)
        second = CliRunner().invoke(main, ["report", "--json"])
        assert (second.stdout, second.stderr) == (first.stdout, "")
        database.close()
        house.database.close()
