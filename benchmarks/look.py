"""From a nudge to a standing, in repositories of many files and of many commits.

Each round pushes one commit to a pull request. Bare git fetches the target from the main
repository and the head from the fork and compares them, and the forge is asked what a look asks;
then the door is nudged, and the worker looks. Or the other way round. Nothing else is running.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests

from benchmarks.common import repositories
from benchmarks.common.deliveries import delivery, send
from benchmarks.common.parts import Parts, parts, push, row, serve, wait_for
from benchmarks.common.report import Bound, Figures, Report, at_most, command, ratio, spread, timed
from benchmarks.common.repositories import Shape
from intakebot.model import Group
from intakebot.repo.git import Credential
from intakebot.store.database import Database
from intakebot.world.people import Somebody

SHAPES = {
    "small": Shape(files=5_000, commits=100),
    "many files": Shape(files=50_000, commits=100),
    "many commits": Shape(files=5_000, commits=100_000),
}
QUICK = {"small": Shape(files=10, commits=2), "many commits": Shape(files=10, commits=200)}
FLAT = 1.25  # times the small repository's look, at most


def measure(quick: bool) -> Report:
    rounds = 1 if quick else 25
    with parts() as house, tempfile.TemporaryDirectory() as folder:
        house.start("bell", "forge", "web", "looks")
        ada = house.house.person("ada", Group.AGENCY, agency="Alder")
        database = Database(house.settings.database_url)
        shapes = QUICK if quick else SHAPES
        tracks = [
            _Track(house, database, ada, Path(folder, name.replace(" ", "-")), shape)
            for name, shape in shapes.items()
        ]
        for number in range(rounds):
            for track in tracks:
                track.round(bare_first=bool(number % 2))
        database.close()
    named = dict(zip(shapes, tracks, strict=True))
    return Report({name: track.figures() for name, track in named.items()}, _bounds(named))


def _bounds(tracks: Mapping[str, _Track]) -> list[Bound]:
    small = tracks["small"]
    bounds = [
        at_most(f"times fetch, diff-tree and the forge's answers, {name}", track.ratio, 1.5)
        for name, track in tracks.items()
    ]
    bounds += [
        at_most(f"p95 in ms, {name}", spread(track.looks)["p95_ms"], 1000)
        for name, track in tracks.items()
    ]
    return bounds + [
        at_most(f"times the small repository's, {name}", ratio(track.looks, small.looks), FLAT)
        for name, track in tracks.items()
        if track is not small
    ]


@dataclass(slots=True)
class _Track:
    """One repository with a pull request that grows by a commit each round."""

    house: Parts
    database: Database
    ada: Somebody
    folder: Path
    shape: Shape
    repo: str = ""
    number: int = 0
    base: str = ""
    pushed: int = 0
    forge: _Forge = field(init=False)
    looks: list[float] = field(default_factory=list)
    fetches: list[float] = field(default_factory=list)
    diffs: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        repositories.make(self.source, self.shape)
        self.base = repositories.git(self.source, "rev-parse", "refs/heads/main")
        self.repo = serve(self.house.settings, self.name, self.source, (self.ada, "read"))
        repositories.init(self.mirror)
        head = self._push()
        self._look(head)  # the first look fetches everything
        self._fetch_both(head)
        other = repositories.add_commit(self.source, "other", [("other.txt", "other\n")], 1)
        aside = push(self.ada, self.source, other, self.name, "other")
        self.forge = _Forge(self.house, self.repo, self.number, aside, other)

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def source(self) -> Path:
        return self.folder / "source.git"

    @property
    def mirror(self) -> Path:
        return self.folder / "mirror.git"

    def round(self, *, bare_first: bool) -> None:
        head = self._push()
        if not bare_first:
            self.looks.append(timed(lambda: self._look(head)))
        self.fetches.append(timed(lambda: self._fetch_both(head)))
        shape = ("diff-tree", "-r", "--raw", "-z", self.base, head)
        self.diffs.append(timed(lambda: repositories.git(self.mirror, *shape)))
        self.answers.append(timed(self.forge.ask))
        if bare_first:
            self.looks.append(timed(lambda: self._look(head)))

    def _push(self) -> str:
        self.pushed += 1
        files = [(repositories.path_of(self.pushed), f"work {self.pushed}\n" * 20)]
        minute = self.shape.commits + self.pushed
        head = repositories.add_commit(self.source, "change", files, minute)
        self.number = push(self.ada, self.source, head, self.name, "change")
        return head

    def _fetch_both(self, head: str) -> None:
        self._fetch("main", "+refs/heads/main:refs/kept/main")
        self._fetch(self.ada.login, f"{head}:refs/kept/{head}")

    def _fetch(self, owner: str, refspec: str) -> None:
        url = f"{self.house.settings.git_url}/git/{owner}/{self.name}.git"
        env = repositories.signed_in(_credential(self.house))
        repositories.git(self.mirror, "fetch", "--quiet", "--no-tags", url, refspec, env=env)

    def _look(self, head: str) -> None:
        """A delivery, and then until all that follows from it is done and shown at the forge."""
        secret = self.house.settings.webhook_secrets["git"][0]
        send(self.house.port, [delivery(secret, self.repo, self.number)], 1)
        wait_for(lambda: self._is_done(head), f"a look at {self.name}", every=0.001)

    def _is_done(self, head: str) -> bool:
        found = row(self.database, self.repo, self.number)
        return found is not None and found.done == found.wanted and found.head == head

    @property
    def ratio(self) -> float:
        return ratio(self.looks, [sum(parts) for parts in self._bare])

    @property
    def _bare(self) -> list[tuple[float, float, float]]:
        return list(zip(self.fetches, self.diffs, self.answers, strict=True))

    def figures(self) -> Figures:
        return {
            "files": self.shape.files,
            "commits": self.shape.commits,
            "look": spread(self.looks),
            "fetch_p50_ms": statistics.median(self.fetches) * 1000,
            "diff_tree_p50_ms": statistics.median(self.diffs) * 1000,
            "forge_answers_p50_ms": statistics.median(self.answers) * 1000,
        }


def _credential(house: Parts) -> Credential:
    return Credential(house.settings.git_url, "intakebot", house.settings.tokens["bot"])


class _Forge:
    """Asks the forge what a look at a new commit asks: two reads, two writes.

    The writes go to another pull request, `aside`, so that they change nothing that is looked at.
    """

    def __init__(self, house: Parts, repo: str, number: int, aside: int, commit: str) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        credential = _credential(house)
        self.session.auth = (credential.login, credential.token)
        self.repo = f"{house.settings.git_url}/api/repos/{repo}"
        self.pull = f"{self.repo}/pulls/{number}"
        self.status = f"{self.repo}/statuses/{commit}"
        comments = f"{self.repo}/pulls/{aside}/comments"
        made = self.session.post(comments, json={"text": "Hello", "key": "status"}).json()
        self.comment = f"{comments}/{made['id']}"
        self.asked = 0

    def ask(self) -> None:
        self.asked += 1
        status = {"state": "pending", "text": f"Look {self.asked}", "url": "http://127.0.0.1/"}
        for answer in (
            self.session.get(self.pull),
            self.session.get(self.repo),
            self.session.patch(self.comment, json={"text": f"Look {self.asked}"}),
            self.session.put(self.status, json=status),
        ):
            answer.raise_for_status()


if __name__ == "__main__":
    command("look", __doc__, measure)()
