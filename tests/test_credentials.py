"""Tokens come from the environment or from files that nobody else can read, with their end."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path

import pytest

from intakebot.credentials import Secret, TokenSource
from intakebot.model import OperatorError


def source(**environ: str) -> TokenSource:
    found: MutableMapping[str, str] = {f"X_{name}": value for name, value in environ.items()}
    return TokenSource("X", found)


def written(folder: Path, text: str, mode: int = 0o600) -> str:
    file = folder / "secret"
    file.write_text(text)
    file.chmod(mode)
    return str(file)


def test_a_token_is_read_with_its_account_and_its_end() -> None:
    found = source(TOKEN=" t \n", EMAIL="bot@example.org", TOKEN_EXPIRES="2027-01-31").read()
    assert found == Secret("t", "X_TOKEN", email="bot@example.org", expires="2027-01-31")
    assert "text" not in repr(found)


def test_a_file_is_read_anew_each_time_and_its_own_end_counts(tmp_path: Path) -> None:
    place = written(tmp_path, "old\n")
    tokens = source(TOKEN_FILE=place, TOKEN_EXPIRES="2026-02-01")
    assert tokens.read() == Secret("old", "X_TOKEN_FILE", expires="2026-02-01")
    written(tmp_path, "new\nexpires 2027-01-31\n")
    assert tokens.read() == Secret("new", "X_TOKEN_FILE", expires="2027-01-31")


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ("t\n", 0o640, "others may read .*chmod 600"),
        ("\n", 0o600, "is empty"),
        ("t\nanother\n", 0o600, "a second line like: expires"),
        ("two words\n", 0o600, "the token on its first line"),
    ],
)
def test_a_file_that_will_not_do_is_told_with_its_cure(
    tmp_path: Path, text: str, mode: int, said: str
) -> None:
    with pytest.raises(OperatorError, match=said):
        source(TOKEN_FILE=written(tmp_path, text, mode)).read()


def test_a_consumer_is_a_key_and_a_secret_that_may_be_in_a_file(tmp_path: Path) -> None:
    assert source(OAUTH_KEY="k", OAUTH_SECRET="s").read() == Secret("s", "X_OAUTH_SECRET", key="k")
    place = written(tmp_path, "s\n")
    found = source(OAUTH_KEY="k", OAUTH_SECRET_FILE=place).read()
    assert found == Secret("s", "X_OAUTH_SECRET_FILE", key="k")
    with pytest.raises(OperatorError, match="X_OAUTH_SECRET is not set; give it, or X_OAUTH_SE"):
        source(OAUTH_KEY="k").read()


def test_a_token_and_a_consumer_at_once_is_a_question_back() -> None:
    with pytest.raises(OperatorError, match="X_TOKEN and X_OAUTH_KEY are both set"):
        source(TOKEN="t", OAUTH_KEY="k", OAUTH_SECRET="s").read()


def test_what_is_withheld_is_gone() -> None:
    for tokens in (source(TOKEN="t", EMAIL="e"), source(OAUTH_KEY="k", OAUTH_SECRET_FILE="f")):
        assert tokens.is_set()
        tokens.withhold()
        assert not tokens.is_set() and tokens.environ == {}
    assert not source().is_set()
