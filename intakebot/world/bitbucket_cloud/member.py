"""Somebody with an account of the fake, a token and clones: real git, real HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from intakebot.world.bitbucket_cloud.credentials import ACCESS_GIT_USER, API_GIT_USER
from intakebot.world.people import GitUser


@dataclass(frozen=True, slots=True)
class Member(GitUser):
    """`email` "" is an access token. `api_url` ends in /2.0; `folder` holds the clones."""

    nickname: str
    uuid: str
    email: str
    token: str
    api_url: str
    git_url: str
    folder: Path

    @property
    def name(self) -> str:
        return self.nickname

    @property
    def git_user(self) -> str:
        return API_GIT_USER if self.email else ACCESS_GIT_USER

    @property
    def git_email(self) -> str:
        return self.email or f"{self.nickname}@bots.bitbucket.example"

    def url(self, full_name: str) -> str:
        """As the product's pages show it, with this person's user name for git."""
        scheme, _, rest = self.git_url.partition("://")
        return f"{scheme}://{self.git_user}@{rest}/{full_name}.git"

    def clone(self, full_name: str, name: str = "") -> Path:
        return self.clone_from(self.url(full_name), name or full_name.replace("/", "-"))

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
