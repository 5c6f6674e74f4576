"""A main repository and a fork, made with plain git, and a mirror that already holds both."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from intakebot.repo.git import Git
from intakebot.repo.mirror import Mirror

IDENTITY = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


def git(folder: Path, *arguments: str, feed: bytes | None = None) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**IDENTITY, "HOME": str(folder)},
        input=feed,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


@dataclass
class Work:
    """A work tree, whose objects `mirror` reads through an alternate: no fetch is needed."""

    folder: Path
    mirror: Git

    def commit(self, files: Mapping[str, bytes | None], message: str = "Change") -> str:
        """Write (None deletes) and commit on the current branch; returns the id."""
        for path, content in files.items():
            place = self.folder / path
            if content is None:
                place.unlink()
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--allow-empty", "--message", message)
        return git(self.folder, "rev-parse", "HEAD")

    def branch(self, name: str, start: str) -> None:
        git(self.folder, "switch", "--quiet", "--create", name, start)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    folder = tmp_path / "work"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    mirror = Mirror(tmp_path / "mirror.git")
    mirror._make()
    alternates = mirror.folder / "objects" / "info" / "alternates"
    alternates.parent.mkdir(parents=True, exist_ok=True)
    alternates.write_text(f"{folder}/.git/objects\n")
    return Work(folder, mirror.git)
