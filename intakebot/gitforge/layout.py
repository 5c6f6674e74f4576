"""Where the forge keeps its files, and which names it takes.

Here and wherever hooks/elsewhere.py imports from, values are NamedTuples: it starts with every
push, and `dataclasses` would double the time that takes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
MAIN = "main"  # the owner's place in a path of a main repository; so nobody's login


def valid_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and not text.endswith(".git")


def valid_login(text: str) -> bool:
    return valid_name(text) and text != MAIN


class Layout(NamedTuple):
    state: Path

    @property
    def database(self) -> Path:
        return self.state / "forge.db"

    @property
    def root(self) -> Path:
        return self.state / "git"

    @property
    def gitconfig(self) -> Path:
        return self.state / "forge.gitconfig"

    @property
    def hooks(self) -> Path:
        return self.state / "forge-hooks"

    @property
    def building(self) -> Path:
        """As deep as an owner's folder, so that relative alternates hold before the rename."""
        return self.root / ".new"

    def repository(self, owner: str, name: str) -> Path:
        return self.root / owner / f"{name}.git"
