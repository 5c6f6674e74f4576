"""`intakebot parse` shows what the bot understands of a webhook request."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from intakebot import settings
from intakebot.cli.parse import parse

RECORDINGS = settings.data_folder("webhooks") / "git"
COMMENT = RECORDINGS / "comment__command.http"
EVENT = {
    "forge": "git",
    "kind": "comment",
    "repo": "1",
    "number": 7,
    "actor": "2",
    "comment": {"id": "5", "text": "/merge"},
}
BODY = '{"repository": {"id": "1"}, "number": 7}'


def run(*args: str | Path, stdin: bytes | str = b"", secrets: str | None = None) -> Result:
    environ = {"INTAKEBOT_SECRET_GIT": secrets}
    return CliRunner().invoke(parse, [str(arg) for arg in args], input=stdin, env=environ)


def test_a_recording_is_printed_as_one_json_object_without_what_is_absent() -> None:
    result = run("git", COMMENT, "--secret", "test-secret")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == EVENT
    assert result.stderr == ""


def test_a_recording_can_come_from_standard_input() -> None:
    result = run("git", "-", "--secret", "test-secret", stdin=COMMENT.read_bytes())
    assert (result.exit_code, json.loads(result.stdout)) == (0, EVENT)


def test_a_bare_body_takes_its_headers_from_the_command_line() -> None:
    result = run("git", "-", "-H", "x-intakebot-event: pull", stdin=BODY)
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"forge": "git", "kind": "pull", "repo": "1", "number": 7}


def test_a_header_given_by_hand_wins_over_the_recorded_one() -> None:
    result = run("git", COMMENT, "-H", "x-intakebot-event: review")
    assert json.loads(result.stdout)["kind"] == "review"


def test_an_event_that_is_ignored_is_printed_with_its_reason() -> None:
    result = run("git", RECORDINGS / "wiki__edited.http", "--secret", "test-secret")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"ignored": "nothing is done on the event 'wiki'"}


def test_without_a_secret_it_says_that_the_signature_was_not_checked() -> None:
    result = run("git", COMMENT)
    assert result.exit_code == 0
    assert "the signature was not checked" in result.stderr
    assert json.loads(result.stdout) == EVENT


def test_the_secrets_of_the_environment_are_used_new_and_old() -> None:
    assert run("git", COMMENT, secrets="newer, test-secret").exit_code == 0
    assert run("git", COMMENT, secrets="newer").exit_code == 1
    assert run("git", COMMENT, "--secret", "test-secret", secrets="newer").exit_code == 0


@pytest.mark.parametrize("secret", ["", " , "])
def test_an_empty_secret_is_refused_and_not_taken_for_none(secret: str) -> None:
    result = run("git", COMMENT, secrets=secret)
    assert result.exit_code == 1
    assert "secret is not set or empty" in result.stderr


def test_a_wrong_or_missing_signature_is_refused_and_nothing_is_printed() -> None:
    for result in (
        run("git", COMMENT, "--secret", "another"),
        run("git", "-", "-H", "X-Intakebot-Event: pull", "--secret", "test-secret", stdin=BODY),
    ):
        assert (result.exit_code, result.stdout) == (1, "")
        assert "X-Intakebot-Signature is missing or does not match" in result.stderr


def test_bad_json_is_refused_with_what_and_where() -> None:
    result = run("git", "-", "-H", "X-Intakebot-Event: pull", stdin='{"a": 1, "a": 2}')
    assert (result.exit_code, result.stdout) == (1, "")
    assert "'a' is given twice" in result.stderr


def test_a_damaged_recording_is_refused() -> None:
    result = run("git", "-", stdin=COMMENT.read_bytes() + b"\n")
    assert result.exit_code == 1
    assert "Content-Length" in result.stderr


@pytest.mark.parametrize("forge", ["gitt", "", "../git", "git.toml"])
def test_an_unknown_forge_is_answered_with_the_known_ones(forge: str) -> None:
    result = run(forge, COMMENT)
    assert result.exit_code == 2
    assert "known: bitbucket-cloud, git" in result.stderr


def test_asking_wrongly_ends_with_2() -> None:
    assert run("git", "no-such-file.http").exit_code == 2
    assert run("git", COMMENT, "-H", "no colon").exit_code == 2


def test_what_a_stranger_wrote_is_printed_so_that_it_cannot_move_the_cursor() -> None:
    body = json.dumps(json.loads(BODY) | {"comment": {"id": "5", "text": "\x9b2J\u202e"}})
    result = run("git", "-", "-H", "X-Intakebot-Event: comment", stdin=body)
    assert result.stdout.isascii()
    assert json.loads(result.stdout)["comment"]["text"] == "\x9b2J\u202e"
