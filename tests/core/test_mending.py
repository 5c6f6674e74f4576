"""Patches in comments: `git apply` takes them, and makes what the tool meant."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intakebot.core.mending import patch_of
from intakebot.core.patch import FilePatch, read_patch
from intakebot.model import Fix
from tests.checks.test_samples import applied
from tests.core.test_patch import diff


def apply(folder: Path, old: str, patch: str) -> str:
    file = folder / "a.py"
    file.write_text(old, newline="")
    done = subprocess.run(
        ["git", "apply", "-"], cwd=folder, input=patch.encode(), capture_output=True, check=False
    )
    assert done.returncode == 0, f"{done.stderr.decode()}\n{patch}"
    return file.read_bytes().decode()


def change(before: str, after: str) -> FilePatch:
    return read_patch(diff({b"a.py": before.encode()}, {b"a.py": after.encode()}))["a.py"]


LINES = [f"line {number}" for number in range(1, 13)]
AFTER = "\n".join([*LINES[:5], "x = 1", "y = 2", *LINES[5:]]) + "\n"
BEFORE = "\n".join(LINES) + "\n"


@settings(max_examples=40)
@given(
    st.integers(3, 7),
    st.integers(0, 2),
    st.integers(1, 5),
    st.integers(1, 6),
    st.sampled_from(["", "z", "z\n", "a\nb", "\n", "é"]),
)
def test_whatever_is_replaced_git_applies_it_and_gets_the_same(
    tmp_path_factory: pytest.TempPathFactory, line: int, more: int, column: int, end: int, text: str
) -> None:
    fix = Fix(line, column, line + more, max(end, column) if more == 0 else end, text)
    patch = patch_of("a.py", fix, change(BEFORE, AFTER))
    wanted = applied(AFTER, fix)
    assert patch or wanted == AFTER
    if patch:
        assert apply(tmp_path_factory.mktemp("site"), AFTER, patch) == wanted


@pytest.mark.parametrize(
    ("before", "after", "fix"),
    [
        ("", "import os\nx = 1\n", Fix(1, 1, 2, 1, "")),
        ("", "x = 1\nimport os\n", Fix(2, 1, 2, 10, "import re")),
        ("a\n", "a\nb;;\n", Fix(2, 2, 2, 4, ";")),
    ],
)
def test_the_first_and_the_last_line_of_a_file_are_mended_too(
    tmp_path: Path, before: str, after: str, fix: Fix
) -> None:
    patch = patch_of("a.py", fix, change(before, after))
    assert apply(tmp_path, after, patch) == applied(after, fix)


@pytest.mark.parametrize(
    ("after", "fix"),
    [
        ("a\nb\r\nc\n", Fix(2, 1, 2, 2, "x")),  # a carriage return is lost in a comment
        ("a\nb\x1b\nc\n", Fix(2, 1, 2, 2, "x")),
        ("a\nb", Fix(2, 1, 2, 2, "x")),  # no newline at the end
        ("a\nb\n", Fix(9, 1, 9, 2, "x")),  # not shown
        ("a\nb\n", Fix(2, 1, 2, 2, "b")),  # nothing to do
        ("a\n" * 100, Fix(1, 1, 99, 1, "x")),  # no small fix
    ],
)
def test_where_it_would_not_surely_apply_there_is_no_patch(after: str, fix: Fix) -> None:
    assert patch_of("a.py", fix, change("", after)) == ""


def test_a_path_that_git_would_quote_gets_none() -> None:
    assert patch_of("a b.py", Fix(2, 1, 2, 2, "x"), change("", "a\nb\nc\n")) == ""
