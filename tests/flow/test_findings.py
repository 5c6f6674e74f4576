"""What a linter says reaches the author once, on the line, with the patch that mends it."""

from __future__ import annotations

import re
import subprocess

import pytest

from intakebot.model import Comment
from tests.flow.conftest import ada, grace
from tests.flow.workshop import Workshop

LINT = """
[checks.lint]
run = ["ruff", "check", "--isolated", "--select=F", "--exit-zero", "--output-format", "sarif"]
parse = "sarif"
"""
FAULTY = "import os\n\n\ndef total(a, b):\n    return a + b\n"


def notes(shop: Workshop, number: int) -> list[Comment]:
    return [mark for mark in shop.marks(number) if mark.path]


def test_a_finding_is_said_once_with_a_patch_that_applies_and_is_known_when_it_moves(
    shop: Workshop,
) -> None:
    author = ada(shop)
    shop.by_hand("main", {".intakebot.toml": LINT})
    number = shop.opens(author, {"shop/prices.py": FAULTY})
    shop.settle()
    [said] = notes(shop, number)
    assert (said.path, said.line) == ("shop/prices.py", 1)
    assert "`os` imported but unused" in said.text.replace("\\", "")

    shop.pushes(author, {"shop/prices.py": f"VAT = 19\nNET = 81\n\n{FAULTY}"})
    shop.settle()
    assert [(one.id, one.resolved) for one in notes(shop, number)] == [(said.id, False)]

    shop.pushes(author, {"shop/prices.py": FAULTY})
    shop.settle()
    [again] = notes(shop, number)
    [patch] = re.findall(r"```diff\n(.*?)```", again.text, re.DOTALL)
    clone = shop.clone(author)
    subprocess.run(["git", "apply", "-"], cwd=clone, input=patch.encode(), check=True)
    mended = (clone / "shop" / "prices.py").read_text()
    assert mended == FAULTY.replace("import os\n", "")

    shop.pushes(author, {"shop/prices.py": mended})
    shop.settle()
    assert [(one.id, one.resolved) for one in notes(shop, number)] == [(said.id, True)]


def test_what_the_target_has_already_is_not_laid_at_the_authors_door(shop: Workshop) -> None:
    author, maintainer = ada(shop), grace(shop)
    shop.by_hand("main", {".intakebot.toml": LINT})
    first = shop.opens(author, {"prices.py": FAULTY}, branch="first")
    shop.land(maintainer, first)
    assert shop.standing(first) == "landed", shop.why(first)

    moved = FAULTY.replace("import os\n", "import re\n") + "\n\nimport os\n"
    number = shop.opens(author, {"prices.py": moved}, branch="second")
    shop.settle()
    assert [one.line for one in notes(shop, number)] == [1]
    assert "`re` imported" in notes(shop, number)[0].text.replace("\\", "")


def test_a_renamed_file_brings_none_of_its_old_findings(shop: Workshop) -> None:
    author = ada(shop)
    prices = FAULTY + "".join(f"\n\nPRICE_{number} = {number}\n" for number in range(9))
    shop.by_hand("main", {".intakebot.toml": LINT, "prices.py": prices})
    clone = shop.clone(author)
    author.must("switch", "--quiet", "--no-track", "-C", "change", "origin/main", within=clone)
    author.must("mv", "prices.py", "costs.py", within=clone)
    text = f"{prices}\n\ndef half(a):\n    unused = 1\n    return a / 2\n"
    author.commit(clone, {"costs.py": text}, "Call it what it is")
    shop.push(author, "change")
    shop.settle()
    [said] = notes(shop, shop.newest())
    assert said.path == "costs.py" and "`unused`" in said.text.replace("\\", "")


@pytest.mark.parametrize(
    ("lines", "listed", "inline"),
    [("added", [], []), ("context", [4], [4]), ("file", [4, 30], [4])],
)
def test_a_check_may_count_what_is_around_the_change_too(
    shop: Workshop, lines: str, listed: list[int], inline: list[int]
) -> None:
    author = ada(shop)
    text = "".join(f"line {number}\n" for number in range(1, 41))
    text = text.replace("line 4\n", "import os\n").replace("line 30\n", "import re\n")
    pattern = r"pattern = '^(?P<path>[^:]+):(?P<line>\d+):(?P<message>.+)$'"
    run = "run = 'grep -n import *.txt /dev/null; true'\nparse = 'regex'\n"
    check = f"[checks.words]\n{run}{pattern}\nlines = '{lines}'\n"
    shop.by_hand("main", {".intakebot.toml": check, "page.txt": text})
    number = shop.opens(author, {"page.txt": text.replace("line 5\n", "LINE 5\n")})
    shop.settle()
    said = shop.status_text(number)
    assert [line for line in (4, 30) if f"`page.txt:{line}`" in said] == listed
    assert [one.line for one in notes(shop, number)] == inline
