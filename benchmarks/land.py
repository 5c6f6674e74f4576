"""Landing one approved pull request, all but its checks, against the least that git has to do.

In turn, our lane lands one and plain git lands the next: merge-tree, commit-tree and a push to the
same forge, with the same credential, from a repository that has the objects already.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from benchmarks.common import repositories
from benchmarks.common.parts import parts, push, row, serve
from benchmarks.common.report import Report, all_of, at_most, command, ratio, spread, timed
from benchmarks.common.repositories import Shape
from intakebot.flow.house import House
from intakebot.flow.lane import lane
from intakebot.flow.look import look
from intakebot.model import Group, Role
from intakebot.repo.git import Credential
from intakebot.settings import Settings
from intakebot.store import work
from intakebot.store.tables import landings, pulls
from intakebot.wiring import NoBell, build_house
from intakebot.world.people import Somebody

SHAPE = Shape(files=2_000, commits=500)
QUICK = Shape(files=20, commits=5)
# The deploy branch follows by a push of its own, which is no part of landing.
CONFIG = {".intakebot.toml": '[merge]\npromote = "by-command"\n'}
IDENTITY = (
    "GIT_AUTHOR_NAME",
    "GIT_AUTHOR_EMAIL",
    "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL",
)


def measure(quick: bool) -> Report:
    rounds = 1 if quick else 30
    with parts() as made, tempfile.TemporaryDirectory() as folder:
        made.start("forge")
        ada = made.house.person("ada", Group.AGENCY, agency="Alder")
        grace = made.house.person("grace", Group.STAFF, roles=(Role.MAINTAINER,), access="write")
        track = _Track(made.settings, ada, grace, Path(folder), QUICK if quick else SHAPE)
        warm = track.landed()
        ours, bare = [], []
        for _ in range(rounds):
            track.approve_one()
            ours.append(timed(track.land))
            head = track.push_one()[1]
            bare.append(timed(partial(track.land_bare, head)))
        landed = track.landed() - warm
        track.house.database.close()
    figures = {"ours": spread(ours), "bare": spread(bare), "landed": landed}
    bounds = [
        at_most("times merge-tree, commit-tree and push", ratio(ours, bare), 2),
        all_of("landed by our lane", landed, rounds),
    ]
    return Report(figures, bounds)


class _Track:
    """One repository; its pull requests each change a file of their own."""

    def __init__(
        self, settings: Settings, ada: Somebody, grace: Somebody, folder: Path, shape: Shape
    ) -> None:
        self.settings, self.ada, self.grace = settings, ada, grace
        self.source = repositories.make(folder / "source.git", shape, CONFIG)
        self.mirror = repositories.init(folder / "mirror.git")
        self.repo = serve(settings, "land", self.source, (ada, "read"), (grace, "write"))
        self.house: House = build_house(settings, bell=NoBell())
        self.opened = 0
        with self.house.database.write() as connection:
            self.repo_row = work.repo_row(connection, "git", self.repo)
            self.lane_row = work.lane_row(connection, self.repo_row, "main")
        self.approve_one()
        self.land()  # the first one makes the mirror
        self.land_bare(self.push_one()[1])

    def push_one(self) -> tuple[int, str]:
        """A new pull request with one commit, its objects in the bare repository too."""
        self.opened += 1
        branch = f"change-{self.opened}"
        files = [(f"changes/{branch}.txt", f"{branch}\n" * 20)]
        commit = repositories.add_commit(self.source, branch, files, 10_000 + self.opened)
        number = push(self.ada, self.source, commit, "land", branch)
        for owner, name in (("main", "main"), ("ada", branch)):
            self._git("fetch", "--quiet", self._url(owner), f"+refs/heads/{name}:refs/heads/{name}")
        return number, commit

    def approve_one(self) -> None:
        """A new pull request that waits in the lane."""
        number, _ = self.push_one()
        for word in ("/approve", "/merge"):
            place = f"/api/repos/{self.repo}/pulls/{number}/comments"
            self.grace.forge("POST", place, {"text": word}).raise_for_status()
        with self.house.database.write() as connection:
            pull = work.pull_row(connection, self.repo_row, number, self.house.now())
            work.nudge(connection, pulls, pull, self.house.now())
        look(self.house, pull)
        found = row(self.house.database, self.repo, number)
        if found is None or found.state != "queued":
            raise RuntimeError(f"#{number} should be queued: {found}")

    def land(self) -> None:
        lane(self.house, self.lane_row)

    def land_bare(self, head: str) -> None:
        base = self._git("rev-parse", "refs/heads/main")
        tree = self._git("merge-tree", "--write-tree", base, head)
        commit = self._git("commit-tree", tree, "-p", base, "-p", head, "-m", "Merge it")
        self._git("push", "--quiet", self._url("main"), f"{commit}:refs/heads/main")

    def landed(self) -> int:
        """How many landings of the lane have their receipt."""
        with self.house.database.read() as connection:
            query = sa.select(sa.func.count()).where(landings.c.landed_at.is_not(None))
            return connection.scalar(query) or 0

    def _url(self, owner: str) -> str:
        return f"{self.settings.git_url}/git/{owner}/land.git"

    def _git(self, *arguments: str) -> str:
        credential = Credential(self.settings.git_url, "intakebot", self.settings.tokens["land"])
        who = dict.fromkeys(IDENTITY, "benchmark")
        return repositories.git(
            self.mirror, *arguments, env=who | repositories.signed_in(credential)
        )


if __name__ == "__main__":
    command("land", __doc__, measure)()
