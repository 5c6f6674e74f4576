"""`intakebot backfill --git`: submissions from the merges of any repository."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from intakebot.cli.main import main
from tests.cli.pasts import git, merged

BEN, BEN_AT_HOME = "Ben <ben@birch.example>", "Ben <ben@home.example>"
ANN = "Ann <ann@alder.example>"


def revert(site: Path, commit: str, on: str) -> None:
    of_merge = ("-m", "1") if " " in git(site, "log", "-1", "--format=%P", commit) else ()
    git(site, "revert", "--no-edit", *of_merge, commit, on=on)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Birch's page of January was taken back in March; Birch's two of March, Alder's and a bot's:
    one of Birch's is taken back a week later, by a commit on the branch itself."""
    folder = tmp_path_factory.mktemp("past") / "site"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / ".mailmap").write_text(f"{BEN} <ben@home.example>\n", "utf-8")
    git(folder, "add", "--all", on="2026-01-01")
    git(folder, "commit", "--quiet", "-m", "Start", on="2026-01-01")
    number = iter(range(4, 10))

    def land(branch: str, lines: int, who: str, on: str, title: str = "Put up a page") -> str:
        message = f"Merge pull request #{next(number)} from x/{branch}\n\n{title}"
        files = {f"{branch}.html": "<p>Line</p>\n" * lines}
        merged(folder, branch, files, message, who, on)
        return git(folder, "rev-parse", "HEAD")

    late = land("january", 1, BEN, "2026-01-05")
    land("large", 400, BEN_AT_HOME, "2026-03-02", title="=Large()")
    soon = land("broken", 100, BEN, "2026-03-03")
    land("other", 20, ANN, "2026-03-04")
    land("update", 3, "renovate[bot] <bot@forge.example>", "2026-03-05")
    revert(folder, late, "2026-03-06")
    revert(folder, soon, "2026-03-10")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "Later", on="2026-05-01")
    return folder


def backfill(site: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["backfill", "--git", str(site), *arguments])


def read(site: Path, *arguments: str) -> Any:
    done = backfill(site, "--json", *arguments)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_each_merge_is_a_submission_of_its_authors_domain_by_mailmap(site: Path) -> None:
    rows = read(site)["submissions"]
    assert [(one["pr"], one["domain"], one["size"], one["seq"]) for one in rows] == [
        (4, "birch.example", "S", 1),
        (5, "birch.example", "L", 2),
        (6, "birch.example", "M", 3),
        (7, "alder.example", "S", 1),
    ]
    assert {one["person"] for one in rows} == {"Ben", "Ann"}


def test_only_what_was_taken_back_within_thirty_days_counts_as_reverted(site: Path) -> None:
    rows = read(site)["submissions"]
    assert [one["pr"] for one in rows if one["reverted"]] == [6]
    birch = next(one for one in read(site)["domains"] if one["domain"] == "birch.example")
    assert (birch["reverted"], birch["settled"]) == (1, 3)


def test_a_commit_that_no_merge_brought_counts_as_direct(site: Path) -> None:
    direct = {one["domain"]: one["direct"] for one in read(site)["domains"]}
    assert direct == {"birch.example": 0, "alder.example": 0, "shop.example": 3}


def test_a_young_merge_may_still_be_taken_back_and_is_no_part_of_the_share(site: Path) -> None:
    young = git(site, "rev-parse", "HEAD~2")
    git(site, "worktree", "add", "--quiet", "--detach", str(site.parent / "then"), young)
    told = read(site.parent / "then")
    assert [one["young"] for one in told["submissions"]] == [0, 1, 1, 1]
    birch = next(one for one in told["domains"] if one["domain"] == "birch.example")
    assert (birch["merges"], birch["settled"]) == (3, 1)


def test_bots_are_left_out_and_it_is_said(site: Path) -> None:
    assert read(site)["bots_left_out"] == 1
    assert "Left out: 1 by bots." in backfill(site).output


def test_what_git_cannot_tell_is_said_and_no_verdict_is_given(site: Path) -> None:
    shown = backfill(site).stdout
    assert "site: 4 merges from 2026-01-05 to 2026-05-01." in shown
    assert "from_fork" in shown and "first_pass" in shown
    assert "first_pass" not in read(site)["submissions"][0]


def test_a_table_of_it_is_refused_as_a_report_instead_of_counting_blanks(
    site: Path, tmp_path: Path
) -> None:
    table = tmp_path / "past.csv"
    assert backfill(site, "--format", "csv", "--out", str(table)).exit_code == 0
    done = CliRunner().invoke(main, ["report", "--submissions", str(table)])
    assert done.exit_code != 0 and "there is no column 'agency'" in done.output


def test_a_sheet_computes_nothing_of_it(site: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(backfill(site, "--format", "csv").stdout)))
    assert [one["title"] for one in rows if "Large" in one["title"]] == ["'=Large()"]


def test_it_may_be_of_the_newest_or_of_a_time_alone(site: Path) -> None:
    assert [one["pr"] for one in read(site, "--limit", "2")["submissions"]] == [7]
    assert [one["pr"] for one in read(site, "--since", "2026-03-04")["submissions"]] == [7]


def test_the_same_history_gives_the_same_bytes(site: Path) -> None:
    assert backfill(site, "--json").stdout == backfill(site, "--json").stdout


def test_a_history_without_merges_says_why_there_is_nothing(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert "has no commit yet" in backfill(tmp_path).output
    git(tmp_path, "commit", "--quiet", "--allow-empty", "-m", "Start")
    shown = backfill(tmp_path)
    assert shown.exit_code == 0 and "does not tell them apart" in shown.stdout
