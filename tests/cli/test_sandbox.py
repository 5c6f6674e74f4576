"""`intakebot sandbox`: anything by hand, as a check runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.core.test_patch import git


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("site")
    git(folder, "init", "--quiet")
    for text in ("first\n", "second\n"):
        (folder / "page.txt").write_text(text)
        git(folder, "add", "page.txt")
        git(folder, "commit", "--quiet", "-m", "x")
    (folder / "page.txt").write_text("not committed\n")
    yield folder


def sandbox(site: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "intakebot", "sandbox", *words],
        cwd=site,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_command_sees_what_is_committed_and_ends_as_it_ends(site: Path) -> None:
    done = sandbox(site, "--", "sh", "-c", "cat page.txt; echo on-error >&2; exit 7")
    assert (done.returncode, done.stdout) == (7, "second\non-error\n"), done.stderr


def test_the_files_are_those_of_the_commit_that_is_named(site: Path) -> None:
    done = sandbox(site, "--tree", "HEAD~1", "--json", "--", "cat", "page.txt")
    told = json.loads(done.stdout)
    assert (told["status"], told["stopped"], told["output"]) == (0, None, "first\n")


def test_it_has_the_variables_that_it_is_given_and_none_of_mine(site: Path) -> None:
    words = ("--env", "STAGE=a b=c", "--", "sh", "-c", 'echo "$STAGE|$SECRET"')
    assert sandbox(site, *words, SECRET="mine").stdout == "a b=c|\n"


def test_its_files_may_lie_on_disk(site: Path) -> None:
    done = sandbox(site, "--disk", "64m", "--", "sh", "-c", "stat -f -c %T .; cat page.txt")
    assert done.stdout == "overlayfs\nsecond\n", done.stderr


def test_tools_of_checks_are_there(site: Path) -> None:
    assert sandbox(site, "--", "ruff", "--version").stdout.startswith("ruff ")


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--time", "1s", "--", "sleep", "60"), 124, "its 1 s were over"),
        (
            ("--memory", "64m", "--", "/usr/bin/python3", "-c", "x = bytearray(300 << 20)"),
            137,
            "more than 64 MiB",
        ),
        (("--", "yes"), 153, "printed without end"),
        (("--tree", "nowhere", "--", "true"), 1, "names no commit"),
        (("--time", "9h", "--", "true"), 2, 'between "1s" and "1h"'),
        (("--env", "A-B=x", "--", "true"), 2, "is not NAME=VALUE"),
        (("--",), 2, "Missing argument"),
        (("--repo", "/", "--", "true"), 1, "this is in no git repository"),
    ],
    ids=lambda value: "",
)
def test_every_end_has_its_status_and_its_sentence(
    site: Path, words: tuple[str, ...], status: int, said: str
) -> None:
    done = sandbox(site, *words)
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr


def test_an_interrupt_ends_everything_inside(site: Path) -> None:
    number = f"88{os.getpid()}"
    words = [sys.executable, "-m", "intakebot", "sandbox", "--", "sleep", number]
    with subprocess.Popen(
        words,
        cwd=site,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as running:
        assert _soon(lambda: _asleep(number))
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=30) == 130
    assert _soon(lambda: not _asleep(number))


def _asleep(number: str) -> bool:
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if each.read_bytes() == f"sleep\0{number}\0".encode():
                return True
        except (FileNotFoundError, ProcessLookupError):
            continue
    return False


def _soon(holds: Callable[[], bool], within: float = 20.0) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return False


def test_it_leaves_nothing_in_the_repository(site: Path) -> None:
    before = sorted(str(path) for path in site.rglob("*") if ".git" not in path.parts)
    sandbox(site, "--", "sh", "-c", "echo x > page.txt; touch new")
    after = sorted(str(path) for path in site.rglob("*") if ".git" not in path.parts)
    assert after == before and (site / "page.txt").read_text() == "not committed\n"
