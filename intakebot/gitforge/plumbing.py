"""The git commands of the forge: fixed arguments, fixed environment, full ids and full refs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from intakebot.gitforge.layout import Layout
from intakebot.gitforge.store import ForgeError

ZERO = "0" * 40
SUBJECTS_READ = 1000  # the newest so many commits are looked at for the first one's subject


def environment(layout: Layout) -> dict[str, str]:
    """What every git process of the forge gets, and nothing else of ours."""
    kept = ("INTAKEBOT_HOUSE", "INTAKEBOT_CRASH")  # so that a supervisor finds it, a test kills it
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(layout.root),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(layout.gitconfig),
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        **{name: os.environ[name] for name in kept if name in os.environ},
    }


class Git:
    """One repository. `env` None means the caller's own, as a hook needs for its quarantine."""

    def __init__(self, path: Path, env: Mapping[str, str] | None) -> None:
        self.path = path
        self._env = env

    def run(self, *arguments: str, stdin: str = "", ok: Iterable[int] = (0,)) -> str:
        done = self._done(arguments, stdin)
        if done.returncode not in ok:
            problem = done.stderr.decode("utf-8", "replace").strip()
            raise ForgeError(f"{self.path}: git {arguments[0]} failed: {problem}")
        return done.stdout.decode("utf-8", "replace")

    def _done(self, arguments: Iterable[str], stdin: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["git", "--git-dir", str(self.path), *arguments],
            input=stdin.encode("utf-8", "surrogateescape"),
            capture_output=True,
            env=self._env,
            cwd=self.path,
            check=False,
        )

    def tip(self, branch: str) -> str | None:
        return self.refs(f"refs/heads/{branch}").get(f"refs/heads/{branch}")

    def refs(self, *prefixes: str) -> dict[str, str]:
        out = self.run("for-each-ref", "--format=%(objectname) %(refname)", *prefixes)
        pairs = (line.split(" ", 1) for line in out.splitlines())
        return {ref: oid for oid, ref in pairs}

    def branches(self) -> dict[str, str]:
        found = self.refs("refs/heads/")
        return {ref.removeprefix("refs/heads/"): oid for ref, oid in found.items()}

    def existing(self, oids: Iterable[str]) -> set[str]:
        out = self.run("cat-file", "--batch-check", stdin="".join(f"{oid}\n" for oid in oids))
        words = (line.split() for line in out.splitlines())
        return {word[0] for word in words if word[1:2] == ["commit"]}

    def contains(self, tip: str, commit: str) -> bool:
        """False also when this repository lacks the commit."""
        done = self._done(("merge-base", "--is-ancestor", commit, tip), "")
        if done.returncode in (0, 1):
            return done.returncode == 0
        if self.existing([commit]) and self.existing([tip]):
            raise ForgeError(f"{self.path}: git merge-base failed; run git fsck there")
        return False

    def first_subject(self, tip: str | None, head: str) -> str:
        """Of the oldest commit of head that tip lacks."""
        beyond = [f"^{tip}"] if tip else []
        limit = f"--max-count={SUBJECTS_READ}"
        out = self.run("log", "--reverse", "--format=%s", limit, head, *beyond, "--")
        return out.partition("\n")[0]

    def subject(self, commit: str) -> str:
        return self.run("log", "-1", "--format=%s", commit, "--").strip("\n")

    def merged_as(self, old: str, tip: str, head: str) -> str:
        """The first commit of the branch itself (by first parents) that contains head."""
        beyond = [] if old == ZERO else [f"^{old}"]
        own = self.run("rev-list", "--reverse", "--first-parent", tip, *beyond).split()
        if head in own:
            return head
        holding = set(self.run("rev-list", "--ancestry-path", f"{head}..{tip}").split())
        return next((oid for oid in own if oid in holding), tip)


def hosted(layout: Layout, path: Path) -> Git:
    return Git(path, environment(layout))
