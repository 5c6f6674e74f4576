"""The one place that runs git: what it passes on, and what it refuses."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from intakebot.model import TryLater
from intakebot.repo.git import (
    PROFILE,
    Credential,
    Git,
    GitFailed,
    Limits,
    TooMuch,
    branch_ref,
    environment,
    full_id,
)
from tests.repo.conftest import Work

GOLDEN = Path(__file__).parent / "profile.golden.json"
SOURCE = Path(__file__).resolve().parents[2] / "intakebot"


def test_the_profile_is_the_one_that_was_reviewed() -> None:
    """Each line answers an attack: change the golden file only together with SECURITY.md."""
    found = {"config": dict(PROFILE), "environment": environment(Path("/home"), {})}
    found["environment"].pop("INTAKEBOT_HOUSE", None)
    assert found == json.loads(GOLDEN.read_text("utf-8"))


def test_nothing_of_our_own_environment_reaches_git(work: Work) -> None:
    os.environ["GIT_EXTERNAL_DIFF"] = "/bin/false"
    os.environ["SECRET_TOKEN"] = "hunter2"
    try:
        seen = environment(work.folder, {})
    finally:
        del os.environ["GIT_EXTERNAL_DIFF"], os.environ["SECRET_TOKEN"]
    assert not {"GIT_EXTERNAL_DIFF", "SECRET_TOKEN"} & set(seen)


def test_a_token_is_in_no_argument_and_in_no_file(work: Work) -> None:
    git = Git(work.mirror.folder, Credential("http://127.0.0.1:1", "bot", "t0ken"))
    process = git.start("cat-file", "--batch", stdin=-1)
    try:
        arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    finally:
        process.kill()
        process.communicate()
    assert b"t0ken" not in arguments
    assert "t0ken" not in repr(git)
    for path in work.mirror.folder.rglob("*"):
        assert not path.is_file() or b"t0ken" not in path.read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        "--upload-pack=touch x",
        "-x",
        "a..b",
        "a b",
        "a\nb",
        "a:b",
        "a~1",
        "a^",
        "a\\b",
        "a.lock",
        "a/",
        "/a",
        "a//b",
        "a/.b",
        "@{u}",
        "",
        ".a",
        "a*",
        "a?",
        "a[b",
        "\x7f",
    ],
)
def test_what_git_would_read_as_something_else_is_no_branch_name(name: str) -> None:
    with pytest.raises(ValueError, match="not a branch name"):
        branch_ref(name)


@pytest.mark.parametrize("text", ["HEAD", "main", "a" * 39, "A" * 40, "a" * 40 + "\n", "--all"])
def test_only_full_object_ids_are_ids(text: str) -> None:
    with pytest.raises(ValueError, match="not a full object id"):
        full_id(text)


def test_a_git_that_takes_too_long_is_ended(work: Work) -> None:
    slow = Git(work.mirror.folder, limits=Limits(seconds=0.3))
    process = slow.start("cat-file", "--batch", stdin=-1)
    process.kill()
    process.communicate()
    with pytest.raises(TryLater, match="took over"):
        slow.run("-c", "alias.nap=!sleep 5", "nap")


def test_a_git_that_says_too_much_is_ended(work: Work) -> None:
    head = work.commit({"a.txt": b"x" * 500_000})
    short = Git(work.mirror.folder, limits=Limits(output=100_000))
    with pytest.raises(TryLater, match="said more"):
        short.run("cat-file", "blob", f"{head}:a.txt")


def test_a_git_that_holds_too_much_is_ended(work: Work) -> None:
    tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    empty = tree
    for _ in range(9):  # a billion empty folders, in ten objects
        names = [f"040000 tree {tree}\t{name}\n" for name in range(10)]
        tree = work.mirror.run("mktree", feed="".join(names).encode()).decode().strip()
    small = Git(work.mirror.folder, limits=Limits(memory=48 << 20))
    with pytest.raises(TooMuch, match="more memory"):
        small.run("diff-tree", "-r", "-t", "-z", "--raw", empty, tree)


def test_a_git_that_crashes_on_what_it_is_given_counts_as_too_much(work: Work) -> None:
    with pytest.raises(TooMuch, match="ended with SIGSEGV"):
        work.mirror.run("-c", "alias.crash=!kill -SEGV $PPID", "crash")


def test_a_failure_carries_gits_own_words(work: Work) -> None:
    with pytest.raises(GitFailed, match="Not a valid object name"):
        work.mirror.run("cat-file", "-t", "f" * 40 + "^{commit}")


def test_no_other_room_runs_git_and_nothing_runs_a_shell() -> None:
    """GitPython's `repo.git.*` passes options through; `shell=True` passes everything."""
    for path in SOURCE.rglob("*.py"):
        text = path.read_text("utf-8")
        assert "shell=True" not in text, path
        assert ".git.execute" not in text, path
        rooms = {"repo", "gitforge", "world", "up"}
        if path.relative_to(SOURCE).parts[0] not in rooms:
            assert not re.search(r'\[\s*"git"', text), path
