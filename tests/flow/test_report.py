"""`intakebot report` of a house that has seen a few agencies at work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from intakebot.cli.main import main
from intakebot.flow.house import House
from intakebot.model import Account, Group, Incident
from intakebot.store import incidents, opinions
from intakebot.store.tables import pulls
from tests.databases import Databases
from tests.flow.conftest import CHECKS, SITE, ada, checking_shop, grace
from tests.flow.workshop import Workshop

pytestmark = pytest.mark.both

BROKEN, MENDED = "<p>BROKEN</p>\n", "<p>Mended</p>\n"


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, checking: House
) -> Iterator[Workshop]:
    """Alder mends what the check found and lands; Birch asks for nothing and is asked something;
    Cedar's work is taken back, and one of them pushes past us on three days, twice each."""
    folder = tmp_path_factory.mktemp("year")
    files = {**SITE, ".intakebot.toml": CHECKS}
    with checking_shop(folder, databases, checking, files) as shop:
        boss, ann = grace(shop), ada(shop)
        ben = shop.person("ben", Group.AGENCY, agency="Birch")
        cat = shop.person("cat", Group.AGENCY, agency="Cedar")
        one = shop.opens(ann, {"one.html": BROKEN}, branch="one", title="Add the page one")
        shop.settle()
        shop.pushes(ann, {"one.html": MENDED}, branch="one")
        shop.land(boss, one)
        shop.land(
            boss,
            shop.opens(
                ann,
                {"app.js": "1\n", "tests/app.js": "2\n"},
                branch="two",
                title="Add the page two",
            ),
        )
        three = shop.opens(
            ben, {"three.py": "print(3)\n"}, branch="three", title="Add the page three"
        )
        shop.settle()
        shop.say(boss, three, "Why in Python?")
        shop.review(boss, three, "changes_requested")
        shop.settle()
        four = shop.opens(cat, {"four.html": MENDED}, branch="four", title="Add the page four")
        shop.land(boss, four)
        back = shop.opens(
            cat, {"four.html": "<p></p>\n"}, branch="back", title='Revert "Add the page four"'
        )
        shop.land(boss, back)
        shop.opens(boss, {"own.html": MENDED}, branch="own", title="Add a page of our own")
        shop.settle()
        with shop.house.database.write() as connection:
            account = Account(shop.pull(four).author.id, "cat")
            times = [shop.now() - timedelta(days=n // 2, minutes=n % 2) for n in range(6)]
            found = [
                Incident(f"push-{n}", "direct-push", "1", account, at, "refs/heads/main", "")
                for n, at in enumerate(times)
            ]
            incidents.keep(connection, 1, found)
        yield shop


def told(shop: Workshop, *words: str) -> Result:
    environ = {
        "INTAKEBOT_STATE": str(shop.state),
        "DATABASE_URL": shop.settings.database_url,
        "PUBLIC_URL": shop.settings.public_url,
    }
    return CliRunner().invoke(main, ["report", *words], env=environ)


def numbers(shop: Workshop, *words: str) -> dict[str, Any]:
    result = told(shop, *words, "--json")
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.output)
    return answer


def test_each_agency_has_the_numbers_of_what_it_sent(shop: Workshop) -> None:
    found = numbers(shop)["agencies"]
    assert {name: (one["first_pass"], one["submissions"]) for name, one in found.items()} == {
        "Alder": (1, 2),
        "Birch": (0, 1),
        "Cedar": (2, 2),
    }
    assert found["Alder"]["violations"] == 1 and found["Alder"]["fixes_censored"] == 0
    assert found["Alder"]["tests_with_code"] == [1, 1]
    assert found["Birch"]["tests_with_code"] == [0, 1]
    assert found["Birch"]["answers"] == found["Birch"]["answers_censored"] == 1


def test_people_of_our_own_are_left_out_and_it_is_said(shop: Workshop) -> None:
    text = told(shop).output
    assert "1 by people of our own" in text
    assert "Grace" not in text and "ada" not in text


def test_pushes_past_us_count_after_the_first_and_a_second_try_is_no_second_one(
    shop: Workshop,
) -> None:
    cedar = numbers(shop, "--agency", "Cedar")["agencies"]["Cedar"]
    assert cedar["incidents"] == 3 and cedar["incidents_after_notice"] == 2
    assert cedar["verdict"] == "at risk"
    assert cedar["fork_compliance"] == pytest.approx(2 / 5)


def test_what_was_merged_lately_may_still_be_taken_back_and_counts_nowhere(shop: Workshop) -> None:
    cedar = numbers(shop)["agencies"]["Cedar"]
    assert cedar["merged_lately"] == 2 and cedar["reverted"] == 0


def test_the_same_house_gives_the_same_bytes(shop: Workshop) -> None:
    for kind in ("html", "csv", "md", "json"):
        first, second = told(shop, "--format", kind), told(shop, "--format", kind)
        assert first.exit_code == 0, first.output
        assert first.output == second.output


def test_evidence_leads_to_the_pull_requests(shop: Workshop) -> None:
    page = told(shop, "--format", "html").output
    assert f'href="{shop.settings.public_url}/pulls/site/1"' in page


def test_since_a_day_to_come_there_is_nothing_and_it_says_so(shop: Workshop) -> None:
    result = told(shop, "--since", "2999-01-01")
    assert result.exit_code == 1
    assert "has had a complete verdict since 2999-01-01 yet" in result.output


def test_of_one_person_nothing_is_told_below_five(shop: Workshop) -> None:
    result = told(shop, "--person", "ada")
    assert result.exit_code == 1 and "Ada has 2 submissions" in result.output
    assert "nobody on the roster has it" in told(shop, "--person", "zoe").output


def test_an_agency_without_submissions_is_named_with_those_that_have_some(shop: Workshop) -> None:
    result = told(shop, "--agency", "Zinnia")
    assert result.exit_code == 1 and "Alder, Birch, Cedar" in result.output


def test_hours_are_counted_by_the_calendar_of_the_operator(shop: Workshop) -> None:
    file = Path(shop.state, "report.toml")
    file.write_text('[targets]\nready = 0.9\n[agency.Alder]\nzone = "Europe/Nowhere"\n')
    try:
        result = told(shop)
        assert result.exit_code == 1
        assert "report.toml: agency.Alder.zone: there is no time zone" in result.output
        file.write_text('[targets]\nready = 0.9\n[calendar]\ndays = ["sat", "sun"]\n')
        assert numbers(shop)["thresholds"]["ready"] == 0.9
    finally:
        file.unlink()
    assert told(shop).exit_code == 0


def test_a_conflict_after_a_long_wait_checks_switched_off_and_opinions_are_counted(
    checked_shop: Workshop,
) -> None:
    shop, ann = checked_shop, ada(checked_shop)
    page = {"index.html": BROKEN, "app.js": "a(); // eslint-disable-line\n"}
    number = shop.opens(ann, page, branch="one", title="Change the first page")
    shop.settle()
    shop.passes(timedelta(days=12))
    shop.by_hand("main", {"index.html": "<p>Another first page</p>\n"})
    shop.look_again(number)
    assert shop.standing(number) == "needs changes"
    (row,) = shop.rows(sa.select(pulls.c.id))
    with shop.house.database.write() as connection:
        opinions.give(connection, row.id, "a reviewer", 4, shop.now())
    agency = numbers(shop)["agencies"]["Alder"]
    assert (agency["reviewers_opinions"], agency["reviewers_opinion_median"]) == (1, None)
    assert agency["went_stale"] == agency["switched_checks_off"] == [1, 1]
    assert "got into a conflict after five days of waiting for them" in told(shop).output


def test_a_word_on_one_that_was_declined_long_ago_takes_nobodys_time(
    checked_shop: Workshop,
) -> None:
    shop, ann, boss = checked_shop, ada(checked_shop), grace(checked_shop)
    number = shop.opens(ann, {"one.html": BROKEN}, branch="one", title="Add the page one")
    shop.settle()
    shop.change(ann, number, state="closed")
    shop.settle()
    hours = numbers(shop)["agencies"]["Alder"]["hours_theirs"]
    shop.passes(timedelta(days=14))
    shop.say(boss, number, "A pity.")
    shop.look_again(number)
    assert numbers(shop)["agencies"]["Alder"]["hours_theirs"] == hours
