"""One real house, `intakebot up` with all its processes, on a Git forge and a Bitbucket Cloud."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from intakebot.model import Group, Role
from intakebot.settings import load
from intakebot.up.sample import commit_all
from intakebot.wiring import built_in_forge
from intakebot.world.bitbucket_cloud import BitbucketCloud
from intakebot.world.house import RunningHouse
from intakebot.world.ports import free_ports
from tests.chaos.lines import Line, Post, delivering
from tests.chaos.streets import MAIN, CloudStreet, GitStreet, Street

CHECK = "[checks.words]\nrun = \"! grep -rn 'BRO[K]EN' .\"\n"
REPO = "shop"
FILES = {"index.html": "<p>Hello</p>\n", ".intakebot.toml": CHECK}
# Nobody may look at, work on or wait for anything any more.
UNDER_WAY = (
    ("look", "SELECT count(*) FROM pulls WHERE done < wanted OR lease_until IS NOT NULL"),
    ("problem", "SELECT count(*) FROM pulls WHERE problem != ''"),
    ("lane", "SELECT count(*) FROM lanes WHERE done < wanted OR lease_until IS NOT NULL"),
    ("run", "SELECT count(*) FROM runs WHERE state IN ('queued', 'running')"),
    ("entry", "SELECT count(*) FROM entries WHERE state NOT IN ('landed', 'dropped', 'failed')"),
    ("receipt", "SELECT count(*) FROM receipts WHERE state = 'sending'"),
)


@dataclass
class Town:
    house: RunningHouse
    cloud: BitbucketCloud
    line: Line
    post: Post
    streets: tuple[Street, ...]
    environ: dict[str, str]

    @property
    def state(self) -> Path:
        return self.house.state

    def ask(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.state / "intakebot.db", timeout=30)) as database:
            return list(database.execute(query))

    def under_way(self) -> str:
        """What is not at rest yet; "" when all is quiet."""
        counts = {name: self.ask(query)[0][0] for name, query in UNDER_WAY}
        with closing(sqlite3.connect(self.state / "forge.db", timeout=30)) as forge:
            unsent = "SELECT count(*) FROM delivery WHERE state = 'waiting'"
            counts["delivery"] = forge.execute(unsent).fetchone()[0]
        return ", ".join(f"{count} {name}" for name, count in counts.items() if count)

    def quiet(self, within: float = 120, calm: float = 8) -> None:
        """Until nothing has been under way for `calm` seconds, surveys included."""
        deadline, since = time.monotonic() + within, time.monotonic()
        while time.monotonic() - since < calm:
            what = self.under_way()
            if what:
                since = time.monotonic()
            assert time.monotonic() < deadline, f"never quiet: {what}\n{self.troubles()}"
            time.sleep(0.2)

    def troubles(self) -> str:
        shown = "SELECT number, state, why, problem, wanted, done, lease_until FROM pulls"
        lanes = "SELECT branch, problem, stuck, frozen FROM lanes"
        rows = [*self.ask(shown), *self.ask(lanes)]
        return "\n".join(map(str, rows)) + self.log()[-3000:]

    def log(self) -> str:
        return (self.state / "up.log").read_text("utf-8", "replace")

    def verify(self) -> str:
        """What `intakebot verify --quiet` prints when a promise was broken; "" when none was."""
        done = self.run("verify", "--quiet")
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "intakebot", *words, f"--state={self.state}"],
            env={**os.environ, **self.environ, "PORT": str(self.house.port)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def done(self, *words: str) -> None:
        ended = self.run(*words)
        assert ended.returncode == 0, ended.stdout + ended.stderr


@contextmanager
def built(folder: Path, chance: random.Random) -> Iterator[Town]:
    port = free_ports()
    line = Line(port + 1)
    with (
        BitbucketCloud(folder / "cloud") as cloud,
        delivering(Post(f"http://127.0.0.1:{port}/hooks/git", chance)) as post,
    ):
        cloud.workspace("acme")
        cloud.repository(MAIN, FILES)
        environ = _environ(cloud, port, line.port)
        house = RunningHouse(folder / "state", port=port, environ=environ)
        town = Town(house, cloud, line, post, (), environ)
        try:
            _connect(town)
            house.start()
            _reroute(town)
            town.streets = (_git_street(town), _cloud_street(town, folder))
            yield town
        finally:
            house.stop()
            line.close()


def _environ(cloud: BitbucketCloud, port: int, line: int) -> dict[str, str]:
    bot, olga = cloud.user("intakebot"), cloud.user("olga")
    cloud.user("ada")
    for who, level in (("olga", "admin"), ("intakebot", "admin"), ("ada", "read")):
        cloud.grant(who, MAIN, level)
    accounts = (("BITBUCKET", bot), ("BITBUCKET_LAND", bot), ("BITBUCKET_ADMIN", olga))
    return {
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "GIT_URL": f"http://127.0.0.1:{line}",
        "INTAKEBOT_SECRET_BITBUCKET_CLOUD": "master",
        "BITBUCKET_URL": cloud.url,
        "BITBUCKET_GIT_URL": cloud.git_url,
        "SURVEY_EVERY": "2",
        **{f"{prefix}_EMAIL": who.email for prefix, who in accounts},
        **{f"{prefix}_TOKEN": who.token for prefix, who in accounts},
    }


def _connect(town: Town) -> None:
    town.state.mkdir(parents=True)
    town.done("connect", "bitbucket-cloud", MAIN, "--yes")


def _reroute(town: Town) -> None:
    """The forge's webhooks take the way that fails."""
    settings = load(town.state)
    secret = settings.webhook_secrets["git"][0]
    built_in_forge(settings).set_webhook(town.post.url, secret)


def _git_street(town: Town) -> GitStreet:
    source = town.state / "sources" / REPO
    for path, text in FILES.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(text, "utf-8")
    commit_all(source, "As it is")
    repo_id = built_in_forge(load(town.state)).add_repo(REPO, from_path=source)
    ada = town.house.person("ada", Group.AGENCY, agency="Alder", repo=REPO)
    grace = town.house.person(
        "grace", Group.STAFF, roles=(Role.MAINTAINER,), access="write", repo=REPO
    )
    return GitStreet(ada, grace, ada.clone(repo=REPO), REPO, repo_id)


def _cloud_street(town: Town, folder: Path) -> CloudStreet:
    cloud = town.cloud
    cloud.fork("ada", MAIN, inherit=True)
    cloud.grant("ada", "ada/site", "admin")
    ada, olga = cloud.user("ada"), cloud.user("olga")
    town.done("people", "add", "olga", "--group", "staff", "--role", "maintainer")
    for name, who in (("olga", olga), ("ada", ada)):
        town.done("people", "link", name, "bitbucket-cloud", who.uuid)
    return CloudStreet(cloud, ada, olga, ada.clone("ada/site"))
