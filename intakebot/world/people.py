"""Somebody with an account, a token and a clone: everything they do is real git over real HTTP."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests


class GitRefused(Exception):
    """git ended with an error; the text is what the person saw."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a person saw on the terminal, and whether git was content."""

    ok: bool
    text: str

    @property
    def remote(self) -> str:
        """The lines that the server said, without git's own."""
        lines = (line for line in self.text.splitlines() if line.startswith("remote:"))
        return "\n".join(line.removeprefix("remote:").rstrip().removeprefix(" ") for line in lines)


@dataclass(frozen=True, slots=True)
class Somebody:
    """`git_url` and `page_url` are base addresses; `folder` holds this person's clones."""

    login: str
    token: str
    git_url: str
    page_url: str
    folder: Path

    def git(self, *arguments: str, within: Path | None = None) -> Said:
        """Run git as this person does: no prompt, credentials from a helper, no other settings."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=within or self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        return Said(done.returncode == 0, done.stdout.decode("utf-8", "replace"))

    def must(self, *arguments: str, within: Path | None = None) -> str:
        said = self.git(*arguments, within=within)
        if not said.ok:
            raise GitRefused(f"git {' '.join(arguments)}\n{said.text}")
        return said.text

    def clone(self, owner: str = "main", repo: str = "site", name: str = "") -> Path:
        """Clone `owner`'s repository ("main" is the main one) into a folder of its own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / (name or f"{repo}-{owner}")
        self.must("clone", "--quiet", self.url(owner, repo), str(target))
        return target

    def url(self, owner: str = "main", repo: str = "site") -> str:
        scheme, _, rest = self.git_url.partition("://")
        return f"{scheme}://{self.login}@{rest}/git/{owner}/{repo}.git"

    def commit(self, clone: Path, files: Mapping[str, str], message: str) -> str:
        """Write the files, commit them all, and return the commit's id."""
        for path, text in files.items():
            place = clone / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, "utf-8")
        self.must("add", "--all", within=clone)
        self.must("commit", "--quiet", "--message", message, within=clone)
        return self.must("rev-parse", "HEAD", within=clone).strip()

    def paste(self, commands: str, within: Path) -> Said:
        """Run commands from a message exactly as they stand there."""
        done = subprocess.run(
            ["bash", "-e", "-c", commands],
            cwd=within,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        return Said(done.returncode == 0, done.stdout.decode("utf-8", "replace"))

    def say(self, repo: str, number: int, text: str, seen_head: str = "") -> requests.Response:
        """Comment on a pull request, as the page's comment box does."""
        body = {"text": text, **({"seen_head": seen_head} if seen_head else {})}
        return self.api("POST", f"/api/pulls/{repo}/{number}/comments", body)

    def api(self, method: str, path: str, body: Any = None) -> requests.Response:
        return requests.request(
            method, self.page_url + path, json=body, auth=(self.login, self.token), timeout=30
        )

    def forge(self, method: str, path: str, body: Any = None) -> requests.Response:
        """The Git forge's own API, as this person."""
        return requests.request(
            method, self.git_url + path, json=body, auth=(self.login, self.token), timeout=30
        )

    def _environment(self) -> dict[str, str]:
        helper = f"!f() {{ echo username={self.login}; echo password={self.token}; }}; f"
        name = self.login.capitalize()
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": "5",
            "GIT_CONFIG_KEY_0": "credential.helper",
            "GIT_CONFIG_VALUE_0": helper,
            "GIT_CONFIG_KEY_1": "user.name",
            "GIT_CONFIG_VALUE_1": name,
            "GIT_CONFIG_KEY_2": "user.email",
            "GIT_CONFIG_VALUE_2": f"{self.login}@example.org",
            "GIT_CONFIG_KEY_3": "push.default",
            "GIT_CONFIG_VALUE_3": "simple",
            "GIT_CONFIG_KEY_4": "advice.detachedHead",
            "GIT_CONFIG_VALUE_4": "false",
        }
