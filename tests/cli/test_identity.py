"""Who the bot is: OAuth consumers, tokens that are rotated while it runs, and tokens that end."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from intakebot import settings, wiring
from intakebot.flow.sweep import Clock
from intakebot.model import OperatorError
from intakebot.world.bitbucket_cloud.oauth import PLACE
from tests.cli.connecting import MAIN, Desk, data, desk_in, fine
from tests.databases import Databases

PREFIXES = ("BITBUCKET", "BITBUCKET_LAND", "BITBUCKET_ADMIN")


@pytest.fixture
def desk(databases: Databases, tmp_path: Path) -> Iterator[Desk]:
    with desk_in(tmp_path, databases) as desk:
        yield desk


def with_consumers(desk: Desk, folder: Path) -> None:
    """Instead of every token; the secrets in files."""
    for prefix, who in zip(PREFIXES, ("intakebot", "intakebot", "grace"), strict=True):
        consumer = desk.cloud.consumer(who)
        file = folder / f"{prefix}.secret"
        file.write_text(f"{consumer.secret}\n")
        file.chmod(0o600)
        desk.environ[f"{prefix}_OAUTH_KEY"] = consumer.key
        desk.environ[f"{prefix}_OAUTH_SECRET_FILE"] = str(file)
        del desk.environ[f"{prefix}_TOKEN"], desk.environ[f"{prefix}_EMAIL"]


def test_consumers_serve_all_three_purposes_and_have_no_end(desk: Desk, tmp_path: Path) -> None:
    with_consumers(desk, tmp_path)
    said = fine(desk.connect())
    assert "OAuth token of Intakebot" in said and "is connected" in said
    assert "token's end" not in said
    assert desk.rules()["push", "main"].users == [desk.bot.uuid]
    fine(desk.disconnect())


def test_a_consumer_that_is_refused_is_told_with_its_cure(desk: Desk, tmp_path: Path) -> None:
    with_consumers(desk, tmp_path)
    with desk.cloud.site.lock:
        for consumer in desk.cloud.state.consumers.values():
            consumer.private = False
    done = desk.connect()
    assert done.exit_code == 1
    assert "'This is a private consumer' ticked" in done.output
    assert [one for one in desk.cloud.writes if one.path != PLACE] == []


def test_no_secret_of_a_consumer_is_ever_printed(desk: Desk, tmp_path: Path) -> None:
    with_consumers(desk, tmp_path)
    said = desk.connect().output + desk.connect(MAIN, "--json").output + desk.run("doctor").output
    held = [one.secret for one in desk.cloud.state.consumers.values()]
    held += list(desk.cloud.state.tokens)
    assert held and not [secret for secret in held if secret in said]


def test_a_token_file_that_is_rotated_is_used_by_a_running_house(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine(desk.connect())
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text(f"{desk.environ.pop('BITBUCKET_TOKEN')}\n")
    for name, value in {**desk.environ, "BITBUCKET_TOKEN_FILE": str(file)}.items():
        monkeypatch.setenv(name, value)
    house = wiring.build_house(settings.load(desk.state))
    try:
        forge = house.forges["bitbucket-cloud"]
        [repo] = forge.repos()
        assert forge.pulls_since(repo.id, "").numbers == ()
        desk.cloud.revoke(desk.bot.token)
        with pytest.raises(OperatorError, match="BITBUCKET_TOKEN_FILE"):
            forge.pulls_since(repo.id, "")
        file.write_text(f"{desk.cloud.token('intakebot')}\n")
        assert forge.pulls_since(repo.id, "").numbers == ()
        assert "main" in house.mirror(repo).tips(repo.clone_url, ["main"])
    finally:
        house.database.close()


def test_the_clock_says_once_a_day_which_token_ends_soon(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fine(desk.connect())
    soon, later = (f"{wiring.now() + timedelta(days=days):%Y-%m-%d}" for days in (12, 200))
    desk.environ |= {"BITBUCKET_TOKEN_EXPIRES": later, "BITBUCKET_LAND_TOKEN_EXPIRES": soon}
    for name, value in desk.environ.items():
        monkeypatch.setenv(name, value)
    ahead = [timedelta()]
    house = wiring.build_house(settings.load(desk.state))
    house = replace(house, bell=NoBell(), now=lambda: wiring.now() + ahead[0])
    clock = Clock(house)
    with caplog.at_level(logging.WARNING, "intakebot"):
        for minutes in (0, 2, 60, 12 * 60, 10 * 60, 3 * 60):
            ahead[0] += timedelta(minutes=minutes)
            clock.sweep()
    house.database.close()
    told = [one.__dict__["fields"] for one in caplog.records if one.getMessage() == "see to this"]
    assert [one["about"] for one in told] == ["land token's end"] * 2
    assert f"it ends on {soon}" in told[0]["what"] and "API token" in told[0]["cure"]


class NoBell:
    def ring(self, bells: object) -> None:
        return None


def test_the_end_that_a_token_file_names_is_believed(desk: Desk, tmp_path: Path) -> None:
    soon = f"{wiring.now() + timedelta(days=9):%Y-%m-%d}"
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text(f"{desk.environ['BITBUCKET_LAND_TOKEN']}\nexpires {soon}\n")
    given = {"BITBUCKET_LAND_TOKEN": None, "BITBUCKET_LAND_TOKEN_FILE": str(file)}
    checks = data(desk.connect(MAIN, "--json", **given))["checks"]
    [end] = [one for one in checks if one["about"] == "land token's end"]
    assert end["state"] == "warn" and soon in end["what"]
