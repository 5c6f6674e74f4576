"""The sample site that a first run serves, so that there is something to try at once."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from intakebot.wiring import BuiltInForge

FOLDER = Path(__file__).parent / "sample_site"
NAME = "site"


def sample_files() -> dict[str, str]:
    """Path in the repository -> text."""
    found = (path for path in sorted(FOLDER.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(FOLDER)): path.read_text("utf-8")
        for path in found
        if "__pycache__" not in path.parts
    }


def serve_sample(forge: BuiltInForge) -> None:
    """Make the repository `site` from the sample's files, as one commit."""
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch, NAME)
        shutil.copytree(FOLDER, work, ignore=shutil.ignore_patterns("__pycache__"))
        commit_all(work, "The shop as it is")
        forge.add_repo(NAME, from_path=work)


def commit_all(work: Path, message: str) -> None:
    """Make a folder a repository with one commit; the same files give the same id."""
    for arguments in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        ("commit", "--quiet", f"--message={message}"),
    ):
        _git(work, *arguments)


def _git(work: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=The shop", "-c", "user.email=shop@example.org")
    subprocess.run(
        ["git", *identity, "-c", "commit.gpgsign=false", *arguments],
        cwd=work,
        check=True,
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(work),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_DATE": "2026-01-05T09:00:00Z",
            "GIT_COMMITTER_DATE": "2026-01-05T09:00:00Z",
        },
    )
