"""`intakebot backtest`: draft rules tried on what was decided, in a house that has a past."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from intakebot.cli.main import main
from intakebot.flow.house import House
from intakebot.model import Group
from intakebot.settings import rule_files
from tests.databases import Databases
from tests.flow.conftest import SITE, ada, checking_shop
from tests.flow.workshop import Workshop

pytestmark = pytest.mark.both

SMALL, LARGE = "<p>News</p>\n", "<p>Line</p>\n" * 500


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, checking: House
) -> Iterator[Workshop]:
    """Alder has sent one that is too large, and a small one; Birch one that is too large."""
    folder = tmp_path_factory.mktemp("past")
    with checking_shop(folder, databases, checking, SITE) as shop:
        author, other = ada(shop), shop.person("ben", Group.AGENCY, agency="Birch")
        shop.opens(author, {"large.html": LARGE}, branch="large", title="Put up a large page")
        shop.opens(author, {"news.html": SMALL}, branch="news", title="Put up some news")
        shop.opens(other, {"big.html": LARGE}, branch="big", title="Put up a big page")
        shop.settle()
        yield shop


def tried(shop: Workshop, *arguments: str) -> Result:
    environ = {"INTAKEBOT_STATE": str(shop.state), "DATABASE_URL": shop.settings.database_url}
    return CliRunner().invoke(main, ["backtest", *arguments], env=environ)


def found(shop: Workshop, *arguments: str) -> dict[str, Any]:
    result = tried(shop, *arguments, "--json")
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.output)
    return answer


def test_a_stricter_level_would_have_rejected_those_that_were_too_large(shop: Workshop) -> None:
    result = tried(shop, "--set", "small-enough.level=reject")
    assert result.exit_code == 0, result.output
    assert "2 of the 3 decisions would differ." in result.output
    assert "It would have rejected 2 more, 1 from Alder, 1 from Birch." in result.output
    answer = found(shop, "--set", "small-enough.level=reject")
    assert [one["number"] for one in answer["decisions"]] == [1, 3]
    for one in answer["decisions"]:
        assert one["after"] == "rejected" and one["before"] != "rejected"
        assert [change["after"] for change in one["rules"]] == ["reject"]
        assert one["url"].endswith(f"/pulls/site/{one['number']}")
    assert answer["by_agency"] == {"Alder": {"differ": 1, "of": 2}, "Birch": {"differ": 1, "of": 1}}


def test_a_draft_about_one_agencys_habit_names_that_agency_alone(shop: Workshop) -> None:
    answer = tried(
        shop,
        "--set",
        'title-says-what.flags=title.contains("big") ? [title] : []',
        "--set",
        "title-says-what.level=reject",
    )
    assert answer.exit_code == 0, answer.output
    assert "It would have rejected 1 more, all from Birch." in answer.output


def test_the_rules_in_force_differ_in_nothing_from_themselves(
    shop: Workshop, tmp_path: Path
) -> None:
    for name, text in rule_files().items():
        (tmp_path / name).write_text(text, "utf-8")
    result = tried(shop, "--rules", str(tmp_path))
    assert result.output.startswith("None of the 3 decisions would differ.")
    (tmp_path / "small-enough.toml").unlink()
    answer = found(shop, "--rules", str(tmp_path))
    assert answer["by_rule"] == {"small-enough": {"warning → passes": 2}}, answer["by_rule"]


def test_only_what_was_asked_about_is_judged(shop: Workshop) -> None:
    strict = ("--set", "small-enough.level=reject")
    assert found(shop, *strict, "--since", "2999-01-01")["judged"] == 0
    assert "There is nothing to judge yet" in tried(shop, *strict, "--since", "2999-01-01").output
    assert found(shop, *strict, "--repo", "site")["judged"] == 3
    refused = tried(shop, *strict, "--repo", "other")
    assert refused.exit_code == 1 and "there is no such repository here" in refused.output


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ((), 2, "say what to try"),
        (("--set", "small-enough"), 1, "write it as RULE.KEY=VALUE"),
        (("--set", "small-enouh.level=reject"), 1, "Did you mean 'small-enough'?"),
        (("--set", "small-enough.level=rejct"), 1, "Did you mean 'reject'?"),
        (("--set", "small-enough.flags=no_such_fact"), 1, "no_such_fact"),
    ],
)
def test_what_cannot_be_tried_is_said_with_the_cure(
    shop: Workshop, arguments: tuple[str, ...], status: int, said: str
) -> None:
    result = tried(shop, *arguments)
    assert result.exit_code == status and said in result.output, result.output


def test_nothing_is_decided_anew_by_trying(shop: Workshop) -> None:
    standings = [shop.standing(number) for number in (1, 2, 3)]
    tried(shop, "--set", "small-enough.level=reject")
    shop.settle()
    assert [shop.standing(number) for number in (1, 2, 3)] == standings
