"""Where links lead, and which names some computers can't have."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intakebot.core.names import astray, steps_to, trouble, twins
from intakebot.core.paths import folded

GUARDED = (".intakebot.toml", "*/Jenkinsfile", "deploy/", "ci/secret.yml")
NAMES = st.sampled_from(["a", "b.html", "c d", "é"])


@pytest.mark.parametrize(
    "target",
    ["style.css", "./style.css", "../img/a.png", "../../index.html", "a b/c", "..a/b", "deployed"],
)
def test_a_link_to_a_file_of_the_repository_is_none_of_our_business(target: str) -> None:
    assert astray("site/css/link", target, GUARDED) == ""


@pytest.mark.parametrize(
    "target",
    [
        "/etc/passwd",
        "/",
        "../../../index.html",
        "..\\..\\..\\secret",
        "\\\\server\\share",
        "C:\\Windows",
        "c:/Windows",
        "./.././../..//../x",
    ],
)
def test_a_link_out_of_the_repository_is_told(target: str) -> None:
    assert astray("site/css/link", target, GUARDED) == "which is outside the repository"


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("../../deploy", "which is protected"),
        ("../../Deploy/run.sh", "which is protected"),
        ("../../.INTAKEBOT.toml", "which is protected"),
        ("../../ci", "which is protected"),
        ("../..", "which is protected"),
        ("../../.git/config", "which is Git's own folder"),
        ("../../.GIT.", "which is Git's own folder"),
        ("other/../../../..", "which goes back up after a name, so that it can't be told where it"),
    ],
)
def test_nor_may_it_lead_to_what_is_protected(target: str, why: str) -> None:
    assert astray("site/css/link", target, GUARDED).startswith(why)


@given(st.lists(NAMES, min_size=1, max_size=4), st.integers(0, 5), st.lists(NAMES, max_size=3))
def test_a_plain_link_is_told_exactly_when_it_ends_outside(
    place: list[str], up: int, down: list[str]
) -> None:
    path, target = "/".join(place), "/".join([".."] * up + down) or "."
    ends = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    assert bool(astray(path, target, ())) == (ends.split("/")[0] == "..")


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Logo.png", "logo.png"),
        ("cafe\u0301", "caf\u00e9"),
        ("prot\u200b", "prot"),
        ("prot:x", "Prot"),
        ("prot", "Prot. "),
        ("STRASSE", "stra\u00dfe"),
    ],
)
def test_two_names_of_one_place_are_told_as_such(name: str, other: str) -> None:
    found = twins(["index.html", name, "logo.svg", other])
    assert found == {name: other, other: name}
    assert trouble(name, other) == f"{name} is the same as {other} on Windows or macOS"


def test_thousands_of_names_for_one_place_are_told_at_once() -> None:
    many = [f"{number:014b}".replace("0", "a").replace("1", "A") for number in range(1 << 14)]
    assert set(twins(many)) == set(many)


@given(st.lists(st.text(min_size=1, max_size=4), unique=True, max_size=8))
def test_whoever_has_a_twin_is_the_twin_of_one_like_it(names: list[str]) -> None:
    found = twins(names)
    assert all(folded(name) == folded(twin) and name != twin for name, twin in found.items())
    lonely = [folded(name) for name in names if name not in found]
    assert len(set(lonely)) == len(lonely)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("prot.", "prot. ends with a dot or a blank, which Windows drops"),
        ("PROTEC~1.TXT", "PROTEC~1.TXT is what Windows may call a file with a longer name"),
        ("aux.js", "aux.js is the name of a device on Windows"),
        ("Con", "Con is the name of a device on Windows"),
    ],
)
def test_a_name_that_some_computers_can_not_have_is_told(name: str, told: str) -> None:
    assert trouble(name, None) == told


@pytest.mark.parametrize(
    "name", ["logo.png", "config", "aux-js", "com10", "a.b.c", ".htaccess", "~1"]
)
def test_names_that_work_everywhere_are_not(name: str) -> None:
    assert twins([name, "logo.svg", "Config.js"]) == {}
    assert trouble(name, None) == ""


def test_each_step_to_a_file_is_in_the_folder_before_it() -> None:
    assert steps_to("a/b/c") == [("", "a"), ("a", "b"), ("a/b", "c")]
