"""What the operator sets, and what is said when something is missing or wrong."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from intakebot import settings
from intakebot.model import OperatorError


def test_without_a_secret_nothing_starts_and_everything_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as refused:
        settings.require(settings.load(tmp_path, {}))
    text = str(refused.value)
    assert "5 things are missing" in text
    for name in ("INTAKEBOT_SECRET_GIT", "SESSION_SECRET", "GIT_BOT_TOKEN", "GIT_LAND_TOKEN"):
        assert name in text


def test_a_blank_secret_is_no_secret(tmp_path: Path) -> None:
    found = settings.load(tmp_path, {"INTAKEBOT_SECRET_GIT": " , "})
    assert found.webhook_secrets["git"] == ()
    with pytest.raises(OperatorError, match="INTAKEBOT_SECRET_GIT"):
        settings.require(found)


def test_two_secrets_hold_while_one_is_rotated(tmp_path: Path) -> None:
    found = settings.load(tmp_path, {"INTAKEBOT_SECRET_BITBUCKET_CLOUD": "new, old"})
    assert found.webhook_secrets["bitbucket-cloud"] == ("new", "old")


def test_secrets_are_kept_readable_by_their_owner_alone(tmp_path: Path) -> None:
    settings.keep_secrets(tmp_path, {"SESSION_SECRET": "the-first"})
    settings.keep_secrets(tmp_path, {"GIT_BOT_TOKEN": "the-second"})
    path = tmp_path / settings.SECRETS
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = settings.load(tmp_path, {})
    assert (found.session_secret, found.tokens["bot"]) == ("the-first", "the-second")
    assert "the-first" not in repr(found) and "the-second" not in repr(found)


def test_secrets_that_others_may_read_are_refused_with_the_cure(tmp_path: Path) -> None:
    settings.keep_secrets(tmp_path, {"SESSION_SECRET": "one"})
    (tmp_path / settings.SECRETS).chmod(0o644)
    with pytest.raises(OperatorError, match="chmod 600"):
        settings.load(tmp_path, {})


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    settings.keep_secrets(tmp_path, {"SESSION_SECRET": "file"})
    assert settings.load(tmp_path, {"SESSION_SECRET": "env"}).session_secret == "env"


def test_the_databases_address_may_stand_among_the_secrets_and_stays_one(tmp_path: Path) -> None:
    url = 'postgresql://intakebot:ge\\"heim@db/intakebot'
    settings.keep_secrets(tmp_path, {"DATABASE_URL": url})
    settings.keep_secrets(tmp_path, {"SESSION_SECRET": "one"})
    found = settings.load(tmp_path, {})
    assert found.database_url == url and "heim" not in repr(found)
    other = settings.load(tmp_path, {"DATABASE_URL": "postgresql://other/intakebot"})
    assert other.database_url == "postgresql://other/intakebot"


def test_every_number_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as refused:
        settings.load(tmp_path, {"PORT": "http", "CHECK_SLOTS": "-1"})
    assert "PORT is 'http'" in str(refused.value)
    assert "CHECK_SLOTS is '-1'" in str(refused.value)


def test_the_pace_of_surveys_is_each_forges_own_unless_it_is_set(tmp_path: Path) -> None:
    assert settings.load(tmp_path, {}).survey_every is None
    assert settings.load(tmp_path, {"SURVEY_EVERY": "5"}).survey_every == timedelta(seconds=5)
    for wrong in ("0", "soon", "0.5"):
        with pytest.raises(OperatorError, match=f"SURVEY_EVERY is '{wrong}'.*from 1 on"):
            settings.load(tmp_path, {"SURVEY_EVERY": wrong})


def test_deliveries_are_kept_for_a_month_unless_it_is_said(tmp_path: Path) -> None:
    assert settings.load(tmp_path, {}).bodies_kept == timedelta(days=30)
    assert settings.load(tmp_path, {"DELIVERY_DAYS": "7"}).bodies_kept == timedelta(days=7)
    assert settings.load(tmp_path, {"DELIVERY_DAYS": "0"}).bodies_kept is None


def test_addresses_lose_their_trailing_slash(tmp_path: Path) -> None:
    found = settings.load(tmp_path, {"PUBLIC_URL": "https://intake.example.org/"})
    assert found.public_url == "https://intake.example.org"


def test_a_qa_hook_has_an_address_and_a_secret_that_is_long_enough(tmp_path: Path) -> None:
    there = {"QA_SITE_PREVIEW_URL": "https://qa.example.org/x", "QA_SITE_PREVIEW_SECRET": "s" * 16}
    hook = settings.load(tmp_path, there).qa_hooks["site-preview"]
    assert (hook.url, hook.secret) == ("https://qa.example.org/x", "s" * 16)
    assert "s" * 16 not in repr(hook)
    for change, why in (
        ({"QA_SITE_PREVIEW_SECRET": "short"}, "QA_SITE_PREVIEW_SECRET must have 16"),
        ({"QA_SITE_PREVIEW_URL": "file:///etc/passwd"}, "must start with https:// or http://"),
    ):
        with pytest.raises(OperatorError, match=why):
            settings.load(tmp_path, {**there, **change})
