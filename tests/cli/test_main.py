"""The front of the command line: help, unknown verbs, and the door that errors leave by."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from intakebot.cli.main import VERBS, main


def run(*args: str, path: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """A process of its own; modules in `path` hide those of the same name."""
    roots = [str(path)] if path else []
    return subprocess.run(
        [sys.executable, "-m", "intakebot", *args],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*roots, os.getcwd()]), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def without_database(tmp_path: Path) -> Path:
    """An installation whose database library is broken."""
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "sqlalchemy.py").write_text("raise ImportError('half of it is missing')\n")
    return folder


def commands(command: click.Command, words: tuple[str, ...]) -> list[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        return [words]
    return [
        each for name, sub in command.commands.items() for each in commands(sub, (*words, name))
    ]


def verb(name: str) -> click.Command:
    found = main.get_command(click.Context(main), name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_of_the_list_is_there(name: str) -> None:
    assert verb(name).name == name


@pytest.mark.parametrize("name", ["people", "repo", "git-hook", "check"])
def test_every_help_ends_in_an_example_of_itself(name: str) -> None:
    for words in commands(verb(name), (name,)):
        shown = CliRunner().invoke(main, [*words, "--help"], prog_name="intakebot")
        assert shown.exit_code == 0
        example = " ".join(shown.output.split("Example: ")[1].split())
        assert example.startswith(f"intakebot {' '.join(words)} ")


def test_help_lists_every_verb_even_when_a_library_is_broken(without_database: Path) -> None:
    done = run("--help", path=without_database)
    assert (done.returncode, done.stderr) == (0, "")
    listed = re.findall(r"^  ([a-z-]+)  ", done.stdout, re.MULTILINE)
    assert set(VERBS) <= set(listed)
    assert done.stdout.rstrip().endswith("Example: intakebot up")


def test_a_verb_that_does_not_need_the_broken_library_still_works(without_database: Path) -> None:
    done = run("rules", "list", path=without_database)
    assert done.returncode == 0
    assert "fork-only" in done.stdout


def test_a_fault_of_ours_is_one_line_and_a_private_report(
    without_database: Path, tmp_path: Path
) -> None:
    done = run("people", "list", "--state", "hush", path=without_database, TMPDIR=str(tmp_path))

    assert (done.returncode, done.stdout) == (70, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: this is a fault in intakebot (ImportError); please report it")
    report = Path(line.split()[-1])
    assert report.parent == tmp_path
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    text = report.read_text()
    assert "Traceback" in text and "half of it is missing" in text
    assert "hush" not in text  # what was asked may hold a secret


def test_a_fault_is_still_one_line_when_its_report_can_not_be_written(
    without_database: Path,
) -> None:
    nowhere = {name: "/proc/nowhere" for name in ("TMPDIR", "TEMP", "TMP")}
    script = "import tempfile; tempfile.tempdir = '/proc/nowhere'\n"
    (without_database / "sitecustomize.py").write_text(script)
    done = run("people", "list", path=without_database, **nowhere)
    assert done.returncode == 70
    assert "its report could not be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_verb_is_answered_with_the_nearest_one() -> None:
    done = run("peple", "list")
    assert done.returncode == 2
    assert "there is no verb 'peple'. Did you mean 'people'?" in done.stderr


def test_a_refusal_is_said_with_its_cure_and_ends_with_1(tmp_path: Path) -> None:
    done = run("people", "list", "--state", str(tmp_path / "none"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Error: {tmp_path / 'none'}: there is no house here; "
        "give its folder with --state, or run `intakebot up` once\n"
    )
    assert not (tmp_path / "none").exists()


def test_a_refusal_by_the_forge_is_said_the_same_way(tmp_path: Path) -> None:
    done = run("repo", "add", "Not A Name", "--state", str(tmp_path))
    assert done.returncode == 1
    assert "Error: repository name 'Not A Name': small letters" in done.stderr


def test_an_interrupt_ends_with_130(tmp_path: Path) -> None:
    pipe = tmp_path / "request"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [sys.executable, "-m", "intakebot", "parse", "git", str(pipe)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Whatever starts the tests in the background leaves it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    with open(pipe, "wb"):  # opens once the verb reads
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err


def test_the_version_is_one_line() -> None:
    done = run("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"intakebot \S.*\n", done.stdout)
