"""`intakebot findings`: a real tool's report on a real diff."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from intakebot.checks.toolbox import program_of
from tests.core.test_patch import git

BEFORE = "import sys\n\nx = 1\n"
AFTER = "import sys\n\nimport os\nx = 1\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A repository whose last commit adds an import that nobody uses, beside one there was."""
    git(tmp_path, "init", "--quiet")
    for text in (BEFORE, AFTER):
        (tmp_path / "a.py").write_text(text)
        git(tmp_path, "add", "a.py")
        git(tmp_path, "commit", "--quiet", "-m", "x")
    (tmp_path / "change.diff").write_bytes(git(tmp_path, "diff", "HEAD~1", "HEAD"))
    return tmp_path


def report(site: Path, kind: str = "sarif") -> bytes:
    ruff = str(program_of(distribution("ruff")))
    words = [ruff, "check", "--isolated", "--select=F", f"--output-format={kind}", "a.py"]
    return subprocess.run(words, cwd=site, capture_output=True, check=False).stdout


def findings(site: Path, *words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "intakebot", "findings", *words],
        cwd=site,
        input=data,
        capture_output=True,
        check=False,
    )


def test_only_what_is_on_added_lines_counts(site: Path) -> None:
    done = findings(site, "sarif", "-", "--diff", "change.diff", data=report(site))
    shown = done.stdout.decode().splitlines()
    assert done.returncode == 1
    assert shown[0].split()[:4] == ["context", "a.py:1", "error", "F401"]
    assert shown[1].split()[:4] == ["added", "a.py:3", "error", "F401"]
    assert shown[-1] == "1 of 2 findings on the change."
    wide = findings(site, "sarif", "-", "--diff", "change.diff", "--mode=file", data=report(site))
    assert wide.stdout.decode().splitlines()[-1] == "2 of 2 findings on the change."


def test_for_a_script_each_finding_is_whole(site: Path) -> None:
    done = findings(site, "sarif", "-", "--diff", "change.diff", "--json", data=report(site))
    old, new = json.loads(done.stdout)
    assert (old["placed"], old["counts"]) == ("context", False)
    assert (new["placed"], new["counts"], new["path"], new["line"]) == ("added", True, "a.py", 3)
    assert (new["level"], new["rule"], new["tool"]) == ("error", "F401", "ruff")
    assert new["fix"] == {"line": 3, "column": 1, "end_line": 4, "end_column": 1, "text": ""}
    assert len(new["fingerprint"]) == 20 and new["fingerprint"] != old["fingerprint"]


def test_a_clean_report_ends_with_0(site: Path) -> None:
    done = findings(site, "rdjson", "-", "--diff", "change.diff", data=b'{"diagnostics": []}')
    assert (done.returncode, done.stdout) == (0, b"The report has no findings.\n")


@pytest.mark.parametrize(
    ("words", "data", "why"),
    [
        (["sarif", "-", "--diff", "change.diff"], b'{"version"', b"not whole JSON"),
        (["sarif", "a.py", "--diff", "-"], b"hello", b"a.py: not a SARIF report"),
        (["tap", "-", "--diff", "a.py"], b"1..0\n", b"a.py: not a unified diff"),
        (["tap", "-", "--diff", "-"], b"1..0\n", b"are both <stdin>"),
        (["regex", "-", "--diff", "change.diff"], b"", b"no group message"),
        (["lint", "-", "--diff", "change.diff"], b"", b"'lint' is not one of"),
        (["sarif", "-", "--diff", "none.diff"], b"", b"none.diff"),
    ],
)
def test_what_cannot_be_read_is_asked_wrongly(
    site: Path, words: list[str], data: bytes, why: bytes
) -> None:
    done = findings(site, *words, data=data)
    assert done.returncode == 2
    assert why in done.stderr
