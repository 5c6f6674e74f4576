"""Made-up histories of sites, in real git repositories."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

STAFF = "Staff <staff@shop.example>"


def git(folder: Path, *arguments: str, who: str = STAFF, on: str = "2026-03-02") -> str:
    name, _, email = who.rstrip(">").partition(" <")
    identity = {"NAME": name, "EMAIL": email, "DATE": f"{on}T09:00:00+00:00"}
    env = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in identity.items()
    }
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", **env},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def merged(
    folder: Path,
    branch: str,
    files: Mapping[str, str],
    message: str,
    who: str,
    on: str = "2026-03-02",
) -> None:
    git(folder, "switch", "--quiet", "-c", branch, "main")
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    git(folder, "add", "--all", who=who)
    git(folder, "commit", "--quiet", "-m", f"Add {branch}", who=who, on=on)
    git(folder, "switch", "--quiet", "main")
    git(folder, "merge", "--quiet", "--no-ff", "-m", message, branch, on=on)
