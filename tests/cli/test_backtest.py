"""`intakebot backtest --git`: draft rules tried on the merges of any repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from intakebot.cli.main import main
from tests.cli.pasts import git, merged

STRICT = ("--set", "small-enough.level=reject")
LARGE = "<p>Line</p>\n" * 500


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two merges of Birch's, one of them large and under another name; a large one of Alder's."""
    folder = tmp_path_factory.mktemp("history") / "site"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / ".mailmap").write_text("Ben <ben@birch.example> <ben@home.example>\n", "utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "Start")
    merged(
        folder,
        "small",
        {"a.html": "<p>A</p>\n"},
        "Merge pull request #4 from ben/small\n\nPut up a page",
        "Ben <ben@birch.example>",
    )
    merged(
        folder,
        "big",
        {"b.html": LARGE},
        "Merge pull request #5 from ben/big\n\nPut up many lines",
        "Ben <ben@home.example>",
    )
    merged(
        folder,
        "other",
        {"c.html": LARGE},
        "Merged in other (pull request #6)\n\nPut up more",
        "Ann <ann@alder.example>",
    )
    return folder


def tried(site: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["backtest", "--git", str(site), *arguments])


def found(site: Path, *arguments: str) -> dict[str, Any]:
    result = tried(site, *arguments, "--json")
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_past_merges_are_judged_by_their_size_and_who_sent_them(site: Path) -> None:
    answer = found(site, *STRICT)
    assert answer["judged"] == 3
    assert answer["by_agency"] == {
        "alder.example": {"differ": 1, "of": 1},
        "birch.example": {"differ": 1, "of": 2},
    }
    assert [(one["number"], one["author"], one["title"]) for one in answer["decisions"]] == [
        (6, "Ann", "Put up more"),
        (5, "Ben", "Put up many lines"),
    ]
    assert {one["after"] for one in answer["decisions"]} == {"rejected"}


def test_what_no_history_tells_is_left_out_and_said(site: Path) -> None:
    answer = found(site, *STRICT)
    assert answer["left_out"]["checks-pass"] == ["checks_failed"]
    assert "small-enough" not in answer["left_out"]
    said = tried(site, *STRICT).stdout
    assert "Left out, since no history tells what they ask for:" in said
    assert "checks-pass (checks_failed)" in said


def test_limit_and_since_judge_less_of_it(site: Path) -> None:
    assert found(site, *STRICT, "--limit", "1")["judged"] == 1
    assert found(site, *STRICT, "--since", "2026-03-03")["judged"] == 0


def test_a_history_without_merges_and_a_folder_without_one_say_so(
    site: Path, tmp_path: Path
) -> None:
    flat = tmp_path / "flat"
    git(tmp_path, "clone", "--quiet", "--branch=small", str(site), str(flat))
    git(flat, "switch", "--quiet", "--orphan", "new")
    git(flat, "commit", "--quiet", "--allow-empty", "-m", "Start again")
    result = tried(flat, *STRICT)
    assert result.exit_code == 0 and "no merges of two parents" in result.output
    (tmp_path / "plain").mkdir()
    result = tried(tmp_path / "plain", *STRICT)
    assert result.exit_code == 1 and "in no git repository" in result.output
    assert tried(site, *STRICT, "--repo", "site").exit_code == 2
