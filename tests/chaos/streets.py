"""What people do at each forge while everything around them fails.

Each street knows what its people did and nothing else, as far as it can be known: a push or a
comment whose answer was lost may have happened or not, and counts as both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import requests

from intakebot.world.bitbucket_cloud import BitbucketCloud, Member
from intakebot.world.people import GitRefused, Somebody

MAIN = "acme/site"
PULLS = f"/repositories/{MAIN}/pullrequests"


class Failed(Exception):
    """It did not work, or nobody can tell whether it did."""


@dataclass
class Known:
    """One pull request: `heads` are those that may be its head now."""

    number: int
    branch: str
    heads: set[str]
    approved: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)


class Street(Protocol):
    name: str
    pulls: dict[str, Known]

    def opens(self, branch: str) -> None: ...

    def pushes(self, known: Known, text: str) -> None: ...

    def says(self, known: Known, text: str, who: str = "maintainer") -> None:
        """`who` is maintainer or author. Raises Failed."""


def said(known: Known, text: str, who: str) -> None:
    """Before it is tried, since it may arrive whatever is answered."""
    if who == "maintainer" and "/approve" in text:
        known.approved |= known.heads
    if who == "maintainer" and "/merge" in text:
        known.asked |= known.heads


def tried(what: Callable[[], Any]) -> Any:
    try:
        return what()
    except (GitRefused, requests.RequestException) as error:
        raise Failed(str(error)) from error


def committed(who: Somebody | Member, clone: Path, branch: str, start: str, text: str) -> str:
    """A commit on the branch in the clone, which is made at `start` when it is new."""
    if start:
        who.must("fetch", "--quiet", "origin", within=clone)
        who.must("switch", "--quiet", "--no-track", "-C", branch, start, within=clone)
    else:
        who.must("switch", "--quiet", branch, within=clone)
    return who.commit(clone, {f"{branch}.html": f"<p>{text}</p>\n"}, "Say more on the page")


@dataclass
class GitStreet:
    """Pull requests open by themselves; `repo` and `repo_id` are of the main repository."""

    author: Somebody
    maintainer: Somebody
    clone: Path
    repo: str
    repo_id: str
    name: str = "git"
    pulls: dict[str, Known] = field(default_factory=dict)

    def opens(self, branch: str) -> None:
        tried(lambda: committed(self.author, self.clone, branch, "origin/main", branch))
        self._push(branch)
        self.find(branch)

    def find(self, branch: str) -> None:
        place = f"/api/repos/{self.repo_id}/pulls"
        found = tried(lambda: self.author.forge("GET", f"{place}?state=all"))
        if not found.ok:
            raise Failed(found.text)
        for line in found.json()["pulls"]:
            whole = tried(lambda: self.author.forge("GET", f"{place}/{line['number']}")).json()  # noqa: B023
            if whole["source"]["branch"] == branch:
                self.pulls[branch] = Known(line["number"], branch, {whole["head"]})

    def pushes(self, known: Known, text: str) -> None:
        head = tried(lambda: committed(self.author, self.clone, known.branch, "", text))
        known.heads.add(head)
        self._push(known.branch)
        known.heads = {head}

    def _push(self, branch: str) -> None:
        url, refs = self.author.url("ada", self.repo), f"+HEAD:refs/heads/{branch}"
        tried(lambda: self.author.must("push", "--quiet", url, refs, within=self.clone))

    def says(self, known: Known, text: str, who: str = "maintainer") -> None:
        said(known, text, who)
        somebody = self.maintainer if who == "maintainer" else self.author
        place = f"/api/repos/{self.repo_id}/pulls/{known.number}/comments"
        answer = tried(lambda: somebody.forge("POST", place, {"text": text}))
        if answer.status_code != 201:
            raise Failed(answer.text)


@dataclass
class CloudStreet:
    cloud: BitbucketCloud
    author: Member
    maintainer: Member
    clone: Path
    name: str = "bitbucket-cloud"
    pulls: dict[str, Known] = field(default_factory=dict)

    def opens(self, branch: str) -> None:
        main = self.author.url(MAIN)
        tip = "+main:refs/remotes/main/tip"
        tried(lambda: self.author.must("fetch", "--quiet", main, tip, within=self.clone))
        head = tried(lambda: committed(self.author, self.clone, branch, "main/tip", branch))
        self._push(branch)
        body = {
            "type": "pullrequest",
            "title": "Say more on the page",
            "source": {"repository": {"full_name": "ada/site"}, "branch": {"name": branch}},
            "destination": {"branch": {"name": "main"}},
        }
        answer = tried(lambda: self.author.api("POST", PULLS, body))
        if answer.status_code != 201:
            raise Failed(answer.text)
        self.pulls[branch] = Known(int(answer.json()["id"]), branch, {head})

    def pushes(self, known: Known, text: str) -> None:
        head = tried(lambda: committed(self.author, self.clone, known.branch, "", text))
        known.heads.add(head)
        self._push(known.branch)
        known.heads = {head}

    def _push(self, branch: str) -> None:
        refs = f"+HEAD:refs/heads/{branch}"
        tried(lambda: self.author.must("push", "--quiet", "origin", refs, within=self.clone))

    def says(self, known: Known, text: str, who: str = "maintainer") -> None:
        said(known, text, who)
        somebody = self.maintainer if who == "maintainer" else self.author
        body = {"type": "pullrequest_comment", "content": {"raw": text}}
        place = f"{PULLS}/{known.number}/comments"
        answer = tried(lambda: somebody.api("POST", place, body))
        if answer.status_code != 201:
            raise Failed(answer.text)
