"""Somebody with an account, a token and a clone: everything they do is real git over real HTTP."""

from __future__ import annotations

import os
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests


class Refused(Exception):
    """Somebody was told no where the answer should have been yes; the text is what they saw."""


class GitRefused(Refused):
    """git ended with an error."""


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


class GitUser(ABC):
    """One person's terminal. `folder` holds their clones, `token` is what git shows for them."""

    __slots__ = ()

    folder: Path
    token: str

    @property
    @abstractmethod
    def name(self) -> str:
        """What they are called everywhere: lower case, one word."""

    @property
    @abstractmethod
    def git_user(self) -> str:
        """The user name that goes with the token."""

    @property
    def git_email(self) -> str:
        """What stands in their commits."""
        return f"{self.name}@example.org"

    def git(self, *arguments: str, within: Path | None = None) -> Said:
        """Run git as this person does: no prompt, credentials from a helper, no other settings."""
        return self._run(["git", *arguments], within)

    def paste(self, commands: str, within: Path) -> Said:
        """Run commands from a message exactly as they stand there."""
        return self._run(["bash", "-e", "-c", commands], within)

    def must(self, *arguments: str, within: Path | None = None) -> str:
        said = self.git(*arguments, within=within)
        if not said.ok:
            raise GitRefused(f"git {' '.join(arguments)}\n{said.text}")
        return said.text

    def clone_from(self, url: str, name: str) -> Path:
        """Into a folder of this name, among this person's own."""
        target = self.folder / name
        self.must("clone", "--quiet", url, str(target))
        return target

    def commit(self, clone: Path, files: Mapping[str, str], message: str) -> str:
        """Write the files, commit them all, and return the commit's id."""
        for path, text in files.items():
            place = clone / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, "utf-8")
        self.must("add", "--all", within=clone)
        self.must("commit", "--quiet", "--message", message, within=clone)
        return self.must("rev-parse", "HEAD", within=clone).strip()

    def _run(self, command: Sequence[str], within: Path | None) -> Said:
        self.folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            command,
            cwd=within or self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        return Said(done.returncode == 0, done.stdout.decode("utf-8", "replace"))

    def _environment(self) -> dict[str, str]:
        helper = f"!f() {{ echo username={self.git_user}; echo password={self.token}; }}; f"
        settings = {
            "credential.helper": helper,
            "user.name": self.name.capitalize(),
            "user.email": self.git_email,
            "push.default": "simple",
            "advice.detachedHead": "false",
            "core.fsync": "none",
        }
        found = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for number, (key, value) in enumerate(settings.items()):
            found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return found


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody at the house's own pages, with the login and token that they sign in with."""

    page_url: str
    login: str
    token: str

    def api(self, method: str, path: str, body: Any = None) -> requests.Response:
        return called(method, self.page_url + path, body, (self.login, self.token))


@dataclass(frozen=True, slots=True)
class Somebody(GitUser):
    """With an account of the built-in forge. `git_url` and `page_url` are base addresses."""

    login: str
    token: str
    git_url: str
    page_url: str
    folder: Path

    @property
    def name(self) -> str:
        return self.login

    @property
    def git_user(self) -> str:
        return self.login

    def clone(self, owner: str = "main", repo: str = "site", name: str = "") -> Path:
        """Clone `owner`'s repository ("main" is the main one) into a folder of its own."""
        return self.clone_from(self.url(owner, repo), name or f"{repo}-{owner}")

    def url(self, owner: str = "main", repo: str = "site") -> str:
        scheme, _, rest = self.git_url.partition("://")
        return f"{scheme}://{self.login}@{rest}/git/{owner}/{repo}.git"

    def say(self, repo: str, number: int, text: str, seen_head: str = "") -> requests.Response:
        """Comment on a pull request, as the page's comment box does."""
        body = {"text": text, **({"seen_head": seen_head} if seen_head else {})}
        return self.api("POST", f"/api/pulls/{repo}/{number}/comments", body)

    def api(self, method: str, path: str, body: Any = None) -> requests.Response:
        return called(method, self.page_url + path, body, (self.login, self.token))

    def forge(self, method: str, path: str, body: Any = None) -> requests.Response:
        """The Git forge's own API, as this person."""
        return called(method, self.git_url + path, body, (self.login, self.token))


def called(method: str, url: str, body: Any, auth: tuple[str, str]) -> requests.Response:
    """One request without any proxy or netrc of the machine."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, json=body, auth=auth, timeout=30)


def taken(answer: requests.Response) -> Any:
    """The JSON of a request that was granted; raises Refused."""
    if not answer.ok:
        asked = answer.request
        raise Refused(f"{asked.method} {asked.url}: {answer.status_code} {answer.text}")
    return answer.json()
