"""`intakebot git-hook install` protects a repository of a Git server that is already there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from intakebot.cli.main import main
from tests.gitforge.world import commit, git

FORKS = "https://git.example.org/{login}/{repo}.git"


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    place = tmp_path / "site.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(place))
    return place


def install(bare: Path, *more: str, protect: str = "main") -> Result:
    words = ["git-hook", "install", str(bare), "--protect", protect, "--fork-url", FORKS, *more]
    return CliRunner().invoke(main, words)


def test_a_push_to_a_protected_branch_is_refused_with_the_fork_to_use(
    bare: Path, tmp_path: Path
) -> None:
    assert install(bare).exit_code == 0
    work = tmp_path / "work"
    git(tmp_path, "clone", "-q", str(bare), str(work))
    commit(work, "Straight in")

    told = git(work, "push", "origin", "HEAD:main", ok=False)

    assert "[remote rejected]" in told
    assert "fork" in told
    assert git(bare, "for-each-ref") == ""
    git(work, "push", "origin", "HEAD:topic")


def test_the_second_time_says_that_it_is_set_up_already(bare: Path) -> None:
    first = install(bare)
    assert first.exit_code == 0
    assert str(bare / "hooks" / "pre-receive") in first.output
    second = install(bare)
    assert (second.exit_code, f"{bare} is set up already" in second.output) == (0, True)


def test_without_anybody_who_lands_it_says_so(bare: Path) -> None:
    assert "Nobody may push to the protected branches now" in install(bare).output
    assert "Nobody" not in install(bare, "--allow", "deployer").output


def test_a_hook_that_is_not_ours_is_left_alone(bare: Path) -> None:
    hook = bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 0\n")
    refused = install(bare)
    assert refused.exit_code == 1
    assert "there is a pre-receive hook already and it is not ours" in refused.output
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"


def test_a_folder_that_is_no_bare_repository_is_refused(tmp_path: Path) -> None:
    refused = install(tmp_path)
    assert refused.exit_code == 1
    assert "not a bare Git repository" in refused.output
    assert os.listdir(tmp_path) == []


def test_a_protected_branch_must_be_named(bare: Path) -> None:
    words = ["git-hook", "install", str(bare), "--fork-url", FORKS]
    refused = CliRunner().invoke(main, words)
    assert refused.exit_code == 2
    assert "--protect" in refused.output


def test_an_address_with_other_placeholders_is_refused(bare: Path) -> None:
    words = ["git-hook", "install", str(bare), "--protect", "main", "--fork-url", "x/{team}"]
    refused = CliRunner().invoke(main, words)
    assert refused.exit_code == 1
    assert "only {login} and {repo} may be in it" in refused.output
