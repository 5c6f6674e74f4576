"""Somebody with an account of the fake, a token and clones: real git, real HTTP."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from intakebot.world.bitbucket_cloud.credentials import ACCESS_GIT_USER, API_GIT_USER
from intakebot.world.people import GitRefused, Said


@dataclass(frozen=True, slots=True)
class Member:
    """`email` "" is an access token. `api_url` ends in /2.0; `folder` holds the clones."""

    nickname: str
    uuid: str
    email: str
    token: str
    api_url: str
    git_url: str
    folder: Path

    def git(self, *arguments: str, within: Path | None = None) -> Said:
        self.folder.mkdir(parents=True, exist_ok=True)
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

    def url(self, full_name: str) -> str:
        """As the product's pages show it, with this person's user name for git."""
        scheme, _, rest = self.git_url.partition("://")
        return f"{scheme}://{self._git_user}@{rest}/{full_name}.git"

    def clone(self, full_name: str, name: str = "") -> Path:
        target = self.folder / (name or full_name.replace("/", "-"))
        self.must("clone", "--quiet", self.url(full_name), str(target))
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

    def propose(self, clone: Path, branch: str, files: Mapping[str, str], message: str) -> str:
        """A new branch from where the clone stands, with one commit, pushed."""
        self.must("switch", "--quiet", "--create", branch, within=clone)
        oid = self.commit(clone, files, message)
        self.must("push", "--quiet", "--set-upstream", "origin", branch, within=clone)
        return oid

    def api(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        """`path` is below /2.0 and begins with a slash, or is a whole link of an answer."""
        url = path if path.startswith("http") else self.api_url + path
        headers = {} if self.email else {"Authorization": f"Bearer {self.token}"}
        auth = (self.email, self.token) if self.email else None
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method, url, json=body, auth=auth, headers=headers, timeout=30, **more
            )

    @property
    def _git_user(self) -> str:
        return API_GIT_USER if self.email else ACCESS_GIT_USER

    def _environment(self) -> dict[str, str]:
        helper = f"!f() {{ echo username={self._git_user}; echo password={self.token}; }}; f"
        settings = {
            "credential.helper": helper,
            "user.name": self.nickname.capitalize(),
            "user.email": self.email or f"{self.nickname}@bots.bitbucket.example",
            "push.default": "simple",
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
