"""The bare repositories, one folder by uuid each, so that renaming moves no files."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from intakebot.gitforge.talk import HOOK


class GitFailed(Exception):
    pass


class Disk:
    """`pool` sees all objects: forks are compared there, and each serves only its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "git"
        self.pool = folder / "pool.git"
        self._hooks = folder / "hooks"
        self._config = folder / "gitconfig"
        self.root.mkdir(parents=True, exist_ok=True)
        self._hooks.mkdir(exist_ok=True)
        hook = self._hooks / "pre-receive"
        hook.write_text(HOOK.format(hook="pre-receive"), "utf-8")
        hook.chmod(0o755)
        self._config.write_text(
            "[user]\nname = Bitbucket\nemail = noreply@bitbucket.example\n"
            f"[core]\nhooksPath = {self._hooks}\nfsync = none\n"
            "[gc]\nauto = 0\n[receive]\nadvertisePushOptions = true\n[init]\ndefaultBranch = main\n"
        )
        if not self.pool.exists():
            self._run(folder, "init", "--quiet", "--bare", str(self.pool))

    def path(self, uuid: str) -> Path:
        return self.root / f"{uuid.strip('{}')}.git"

    def create(self, uuid: str, files: Mapping[str, str] | None, branch: str) -> None:
        """With one commit of `files`, or empty when there are none."""
        path = self.path(uuid)
        self._run(self.root, "init", "--quiet", "--bare", f"--initial-branch={branch}", str(path))
        self._share(path)
        if files:
            self._commit_files(path, files, branch)

    def copy(self, parent: str, uuid: str) -> None:
        path = self.path(uuid)
        self._run(self.root, "clone", "--quiet", "--bare", str(self.path(parent)), str(path))
        self._share(path)

    def _share(self, path: Path) -> None:
        """Objects of a deleted fork stay in its folder, as the product keeps them too."""
        with (self.pool / "objects/info/alternates").open("a", encoding="utf-8") as list_:
            list_.write(f"{path}/objects\n")

    def _commit_files(self, path: Path, files: Mapping[str, str], branch: str) -> None:
        stream = [
            f"commit refs/heads/{branch}\n",
            "committer Bitbucket <noreply@bitbucket.example> ",
        ]
        stream += ["1700000000 +0000\n", _data("Initial commit")]
        for name, text in files.items():
            stream += [f"M 100644 inline {name}\n", _data(text)]
        self.run(path, "fast-import", "--quiet", stdin="".join(stream))

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.root),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(self._config),
            "GIT_TERMINAL_PROMPT": "0",
        }

    def run(self, path: Path, *arguments: str, stdin: str = "", ok: Iterable[int] = (0,)) -> str:
        return self._run(path, "--git-dir", str(path), *arguments, stdin=stdin, ok=ok)

    def _run(self, cwd: Path, *arguments: str, stdin: str = "", ok: Iterable[int] = (0,)) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd,
            env=self.environment(),
            input=stdin.encode(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        if done.returncode not in ok:
            raise GitFailed(f"git {' '.join(arguments)}: {done.stderr.decode('utf-8', 'replace')}")
        return done.stdout.decode("utf-8", "replace")

    def refs(self, uuid: str) -> dict[str, str]:
        """Branches and tags: full name to commit."""
        out = self.run(
            self.path(uuid), "for-each-ref", "--format=%(refname) %(objectname)",
            "refs/heads", "refs/tags",
        )  # fmt: skip
        pairs = (line.partition(" ") for line in out.splitlines())
        return {name: commit for name, _, commit in pairs}


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}\n"
