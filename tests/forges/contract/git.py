"""The bench of the built-in Git forge: a real one, behind a door that fails as told."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from intakebot.forges.api import Forge
from intakebot.forges.git import GitForge
from intakebot.model import Permission
from intakebot.web.markdown import rendered
from tests.forges.clock import Clock
from tests.forges.contract.bench import (
    HALF,
    LIMITED_FOR,
    PAGE_FOR_PEOPLE,
    BuildState,
    On,
    Opinion,
    Way,
    Who,
)
from tests.forges.contract.door import Door, door
from tests.forges.serving import Say
from tests.gitforge.world import PAGES, Person, Project, Server, commit, git, make_project, running

JSON = {"Content-Type": "application/json"}
SAID: dict[Way, Say] = {
    "limited": Say(429, {}, {"Retry-After": str(LIMITED_FOR)}),
    "down": Say(503, {}),
    "html": Say(200, PAGE_FOR_PEOPLE.encode(), {"Content-Type": "text/html"}),
    "404-page": Say(404, PAGE_FOR_PEOPLE.encode(), {"Content-Type": "text/html"}),
    "half": Say(200, HALF.encode(), JSON),
    "nothing": Say(200, {}, JSON),
    "cut": Say(cut=True),
}
WRITES = "^(POST|PUT|PATCH) /api/"
REQUESTS: dict[On, str] = {
    "reads": "^GET /api/",
    "writes": WRITES,
    "permissions": "^GET /api/.*/permissions/",
}


@dataclass(frozen=True)
class Place:
    """One forge for all tests, with its door and the bot's tokens by scope."""

    server: Server
    door: Door
    tokens: Mapping[str, str]


@contextmanager
def open_place(folder: Path) -> Iterator[Place]:
    with running(folder / "state") as server, door() as front:
        front.behind = server.url
        server.forge.configure(git_url=front.url, page_url=PAGES)
        tokens = {scope: server.bot(scope).token for scope in ("bot", "land", "web")}
        yield Place(server, front, tokens)


@dataclass
class GitBench:
    """A repository of its own at the shared forge."""

    place: Place
    project: Project
    page: int = 100
    comments_page: int = 1
    cure: str = r"GIT_\*_TOKEN"
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        project = self.project
        self.forge: Forge = self.fresh()
        self.repo_id = project.id
        bot = Person("intakebot", "1", self.place.tokens["bot"])
        self.people: dict[Who, Person] = {
            "ada": project.ada,
            "wim": project.wim,
            "eve": project.bob,
            "bot": bot,
        }
        self.clone = project.clone(project.ada)

    # What people do.

    def id_of(self, who: Who) -> str:
        return self.people[who].id

    def sign_in(self, who: Who) -> tuple[str, str]:
        return self.people[who].auth

    def grants(self, who: Who, level: Permission) -> None:
        self.place.server.forge.grant(self.project.name, self.people[who].login, level.value)

    def opens(self, branch: str = "banner", *, title: str = "A banner", draft: bool = False) -> int:
        git(self.clone, "switch", "--quiet", "--create", branch, "origin/main")
        commit(self.clone, title, **{f"{branch}.html": "<b>Hi</b>\n"})
        options = [f"--push-option=title={title}", *(["--push-option=draft"] if draft else [])]
        return self._pushed(self.project.ada, branch, *options)

    def opens_from_main(self, branch: str) -> int:
        clone = self.project.clone(self.project.wim)
        commit(clone, "From main", **{"wim.html": "<b>Wim</b>\n"})
        url = self.project.url(self.project.wim)
        said = git(clone, "push", "--push-option=pull", url, f"HEAD:refs/heads/{branch}")
        return _number(said)

    def multiply(self, count: int) -> None:
        refs = [f"HEAD:refs/heads/many-{number}" for number in range(count)]
        git(self.clone, "push", "--quiet", self._fork(), *refs)

    def pushes(self, branch: str = "banner") -> str:
        git(self.clone, "switch", "--quiet", branch)
        head = commit(self.clone, "More", **{f"{branch}-{self.head(branch)[:12]}.html": "<p/>\n"})
        git(self.clone, "push", "--quiet", self._fork(), f"HEAD:refs/heads/{branch}")
        return head

    def _pushed(self, who: Person, branch: str, *options: str) -> int:
        said = git(self.clone, "push", *options, self._fork(), f"HEAD:refs/heads/{branch}")
        return _number(said)

    def _fork(self) -> str:
        return self.project.url(self.project.ada, self.project.ada.login)

    def branch(self, name: str) -> None:
        url = self.project.url(self.project.wim)
        git(self.clone, "push", "--quiet", url, f"origin/main:refs/heads/{name}")

    def says(self, who: Who, number: int, text: str, *, reply_to: str = "") -> str:
        body = {"text": text, **({"reply_to": reply_to} if reply_to else {})}
        place = f"{self._pull(number)}/comments"
        made = self.place.server.send(self.people[who], "POST", place, body, 201)
        return str(made["id"])

    def edits(self, number: int, comment: str, text: str) -> None:
        self._send("ada", "PATCH", f"{self._pull(number)}/comments/{comment}", {"text": text})

    def deletes(self, number: int, comment: str) -> None:
        self._send("wim", "DELETE", f"{self._pull(number)}/comments/{comment}", None, 204)

    def reviews(self, number: int, opinion: Opinion | None) -> None:
        place = f"{self._pull(number)}/reviews"
        if opinion is None:
            self._send("wim", "DELETE", place, None, 204)
        else:
            body = {"head": self.project.pull(number)["head"], "state": opinion}
            self._send("wim", "POST", place, body, 201)

    def retitles(self, number: int, title: str) -> None:
        self._send("ada", "PATCH", self._pull(number), {"title": title})

    def retargets(self, number: int, target: str) -> None:
        self._send("ada", "PATCH", self._pull(number), {"target": target})

    def drafts(self, number: int) -> None:
        self._send("ada", "PATCH", self._pull(number), {"draft": True})

    def closes(self, number: int) -> None:
        self._send("wim", "PATCH", self._pull(number), {"state": "closed"})

    def builds(self, commit: str, name: str, state: BuildState) -> None:
        body = {"name": name, "state": state, "text": f"{name}: {state}", "url": "http://ci/7"}
        self._send("wim", "PUT", f"/repos/{self.repo_id}/builds/{commit}", body)

    def lands(self, number: int) -> None:
        head = self.project.pull(number)["head"]
        url = self.project.url(self.project.land)
        git(self.clone, "push", "--quiet", url, f"{head}:refs/heads/main")

    def loses_fork(self) -> None:
        shutil.rmtree(self.project.bare(self.project.ada.login))

    # What people see.

    def head(self, branch: str = "banner") -> str:
        return git(self.clone, "rev-parse", branch)

    def shown(self, number: int, comment: str) -> str:
        [found] = [one for one in self.project.pull(number)["comments"] if one["id"] == comment]
        return str(found["text"])

    def reports(self) -> Sequence[tuple[str, int]]:
        return ()

    def remarks(self, commit: str) -> Sequence[str]:
        return ()

    def acts_on(self, text: str) -> list[str]:
        """The pages show its comments; what is no tag there is plain words."""
        return re.findall(r"<[^>]*>", rendered(text))

    # The plug, another way.

    def fresh(self) -> Forge:
        return GitForge(self.place.door.url, PAGES, self.place.tokens)

    def refused(self) -> Forge:
        return GitForge(self.place.door.url, PAGES, dict.fromkeys(self.place.tokens, "wrong"))

    def secrets_shown(self) -> set[str]:
        return self.place.door.secrets

    # Going wrong.

    def fails(self, way: Way, on: On) -> None:
        self.place.door.say(SAID[way], REQUESTS[on])

    def loses_answer(self) -> None:
        self.place.door.lose_answer(WRITES)

    def lags(self) -> None:
        self.place.door.lag(REQUESTS["reads"])

    def recovers(self) -> None:
        self.place.door.recover()

    def _pull(self, number: int) -> str:
        return f"/repos/{self.repo_id}/pulls/{number}"

    def _send(self, who: Who, method: str, path: str, body: Any, status: int = 200) -> None:
        answer = self.place.server.call(self.people[who], method, path, json=body)
        assert answer.status_code == status, answer.text


def _number(said: str) -> int:
    found = re.search(r"Pull request #([0-9]+)", said)
    assert found, said
    return int(found[1])


@contextmanager
def open_bench(request: pytest.FixtureRequest, folder: Path) -> Iterator[GitBench]:
    place: Place = request.getfixturevalue("git_place")
    place.door.forget()
    yield GitBench(place, make_project(place.server, folder))
