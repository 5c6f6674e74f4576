"""What the pre-receive hook says: no to what this pusher may not do to a branch."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from intakebot.gitforge.talk import Answer

ZERO = "0" * 40


def matches(pattern: str, branch: str) -> bool:
    parts = (re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts), branch) is not None


class Pushing(NamedTuple):
    """`closed` are the rules that do not let this pusher through, as (kind, pattern)."""

    path: Path
    closed: Sequence[Sequence[str]]

    def answer(self, _hook: str, environ: Mapping[str, str], updates: Sequence[str]) -> Answer:
        said = [no for line in updates if (no := self._objection(environ, *line.split()))]
        return Answer(1 if said else 0, said)

    def _objection(self, environ: Mapping[str, str], old: str, new: str, ref: str) -> str:
        if not ref.startswith("refs/heads/"):
            return ""
        branch = ref.removeprefix("refs/heads/")
        kinds = {kind for kind, pattern in self.closed if matches(pattern, branch)}
        if new == ZERO:
            closed = kinds & {"delete", "push"}
            return f"Permission denied to delete branch {branch}." if closed else ""
        if "push" in kinds:
            verb = "create" if old == ZERO else "update"
            return f"Permission denied to {verb} branch {branch}."
        if "force" in kinds and old != ZERO and self._rewrites(environ, old, new):
            return f"Permission denied to rewrite history of branch {branch}."
        return ""

    def _rewrites(self, environ: Mapping[str, str], old: str, new: str) -> bool:
        asked = ["git", f"--git-dir={self.path}", "merge-base", "--is-ancestor", old, new]
        return subprocess.run(asked, env=dict(environ), check=False).returncode != 0
