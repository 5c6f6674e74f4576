"""Taking a name out of texts: every place where it is a name, and no place where it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intakebot.core.erasure import Traces

ADA = Traces(
    frozenset({("git", "7"), ("bitbucket-cloud", "557058:7f0f3c1e")}),
    frozenset({"ada", "Ada Byron", "Zoë"}),
    "erased-x",
    {"main"},
)


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("@ada: please", "@erased-x: please"),
        ("held by Ada Byron.", "held by erased-x."),
        ("ADA, or ada@example.org", "erased-x, or erased-x@example.org"),
        ("https://x.example/git/ada/site.git", "https://x.example/git/erased-x/site.git"),
        ("by 557058:7f0f3c1e", "by erased-x"),
        ("(zoë)", "(erased-x)"),
    ],
)
def test_a_name_goes_wherever_it_stands_as_a_word(text: str, instead: str) -> None:
    assert ADA.text(text) == instead


@pytest.mark.parametrize(
    "text",
    ["adamant", "ada-mae opened it", "ada.mae", "mae-ada", "line 7 of 7", "Canada", "", "Byron"],
)
def test_what_is_another_word_or_another_login_stays(text: str) -> None:
    assert ADA.text(text) == text


def test_a_name_that_is_also_a_branch_stays_in_sentences() -> None:
    traces = Traces(frozenset(), frozenset({"main"}), "erased-x", {"main"})
    assert traces.text("pushed to main") == "pushed to main"


def test_a_very_short_login_is_a_name_after_an_at_alone() -> None:
    traces = Traces(frozenset(), frozenset({"a"}), "erased-x")
    assert traces.text("a file, @a; x@a") == "a file, @erased-x; x@erased-x"


def test_keys_and_what_programs_read_stay_as_they_are() -> None:
    told = {"ada": "ada", "state": "ada", "list": [{"text": "by ada", "id": "ada"}], "n": 7}
    instead = {
        "ada": "erased-x",
        "state": "ada",
        "list": [{"text": "by erased-x", "id": "ada"}],
        "n": 7,
    }
    assert ADA.value(told) == instead


@given(st.text())
def test_a_second_time_nothing_is_left_to_do(text: str) -> None:
    once = ADA.text(text)
    assert ADA.text(once) == once
