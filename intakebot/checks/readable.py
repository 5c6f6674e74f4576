"""Folders for the user that checks run as: it is not us, and our umask is not about it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path


def make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)


def made_once(ready: Path, fill: Callable[[Path], None]) -> Path:
    """`ready`, filled under another name first. Safe to call from many processes at once."""
    if ready.is_dir():
        return ready
    make_folder(ready.parent)
    with tempfile.TemporaryDirectory(dir=ready.parent, prefix=f".{ready.name}-") as scratch:
        made = Path(scratch, "made")
        made.mkdir()
        fill(made)
        open_to_all(made)
        try:
            made.rename(ready)
        except OSError:
            if not ready.is_dir():  # another process was quicker: theirs is the same
                raise
    return ready


def open_to_all(folder: Path) -> None:
    """Everybody may read all of it, and execute what we may; only we may change it."""
    folder.chmod(0o755)
    for place, folders, names in os.walk(folder):
        for name in folders:
            Path(place, name).chmod(0o755)
        for name in names:
            file = Path(place, name)
            file.chmod(0o755 if os.access(file, os.X_OK) else 0o644)


def reachable(folder: Path, drop_to: tuple[int, int] | None) -> bool:
    """Whether that user, or we ourselves when there is none, may look into `folder`."""
    if drop_to is None:
        return os.access(folder, os.R_OK | os.X_OK)
    asked = subprocess.run(
        ["/usr/bin/test", "-r", folder, "-a", "-x", folder],
        user=drop_to[0],
        group=drop_to[1],
        extra_groups=[],
        cwd="/",
        env={},
        stdin=subprocess.DEVNULL,
    )
    return asked.returncode == 0
