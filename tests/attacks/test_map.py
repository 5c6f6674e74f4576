"""SECURITY.md names a test for every attack case, and every test that it names is there."""

from __future__ import annotations

import ast
import os
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| ([A-Z][0-9]{2}) \| (.+?) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
NOT_YET = re.compile(r"no such surface yet: comes with .+")
# The cases that this project was given, sections 5.1 to 5.7 and 5.9. Others are our own.
GIVEN = {
    "W": "01 03 04 06 07 09 10 12 13 15 16 18 19 21 22",
    "T": "02 03 05 06 08 09 11 12 14 15",
    "C": "02 03 05 06 08 09 11 12 14 15",
    "F": "01 02 04 05 07 08 10",
    "P": "01 03 04 06 07 09 10 12 13 15 16 18 19",
    "G": "02 03 05 06 08 09 11 12 14 15 17 18 20 21",
    "X": "02 03 05 06 08 09 11 12 14 15",
    "O": "01 02 04 05 07 08 10 11 13 14 16 17 19 20",
}
CASES = {f"{letter}{number}" for letter, numbers in GIVEN.items() for number in numbers.split()}
LIST = (
    Path(os.environ.get("INTAKEBOT_SPECS") or CHECKOUT.parent / "shared" / "specs").parent
    / "security-cases.md"
)


def rows() -> list[tuple[str, str, str]]:
    """(case, promise, tests) of every row."""
    return ROW.findall((CHECKOUT / "SECURITY.md").read_text("utf-8"))


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((CHECKOUT / path).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_case_is_there_once() -> None:
    listed = Counter(case for case, _, _ in rows())
    assert set(listed) >= CASES
    assert not [case for case, times in listed.items() if times > 1]


@pytest.mark.skipif(not LIST.exists(), reason=f"the list of cases is not at hand: {LIST.name}")
def test_the_cases_are_those_of_the_list() -> None:
    sections = re.split(r"^### 5\.", LIST.read_text("utf-8"), flags=re.MULTILINE)
    ours = [part for part in sections if part[:1] in tuple("12345679")]
    listed = {case for part in ours for case in re.findall(r"^\| ([A-Z][0-9]{2}) \|", part, re.M)}
    assert len(ours) == 8 and listed == CASES


@pytest.mark.parametrize(("case", "tests"), [(case, tests) for case, _, tests in rows()])
def test_a_case_names_tests_that_are_there_or_what_will_bring_them(case: str, tests: str) -> None:
    named = TEST.findall(tests)
    if not named:
        assert NOT_YET.fullmatch(tests), case
        return
    assert " ".join(f"`{path}::{name}`" for path, name in named) == tests, case
    assert len(set(named)) == len(named), case
    for path, name in named:
        assert name in names_in(path), f"{case}: {path} has no {name}"


def test_every_attack_that_is_tried_here_is_named() -> None:
    named = set(TEST.findall((CHECKOUT / "SECURITY.md").read_text("utf-8")))
    here = Path(__file__)
    for path in sorted(here.parent.glob("test_*.py")):
        if path != here:
            place = str(path.relative_to(CHECKOUT))
            tried = {name for name in names_in(place) if name.startswith("test_")}
            assert tried <= {name for file, name in named if file == place}, place
