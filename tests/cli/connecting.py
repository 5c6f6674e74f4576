"""A fake Bitbucket Cloud with one repository, and `intakebot connect` run against it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from intakebot.cli.main import main
from intakebot.settings import load
from intakebot.store import connections, schema
from intakebot.store.connections import ConnectionRow
from intakebot.store.database import Database
from intakebot.wiring import now
from intakebot.world.bitbucket_cloud import BitbucketCloud, Member
from intakebot.world.bitbucket_cloud.state import Hook, Restriction
from tests.databases import Databases

MAIN = "acme/site"
MASTER = "a master secret that only the tests know"
HOUSE = "https://gate.example.org"


@dataclass
class Desk:
    """grace administers acme/site, the bot does too, carl may write; a house in `state`."""

    cloud: BitbucketCloud
    state: Path
    environ: dict[str, str] = field(default_factory=dict)
    bot: Member = field(init=False)
    grace: Member = field(init=False)
    carl: Member = field(init=False)

    def __post_init__(self) -> None:
        cloud = self.cloud
        self.grace, self.bot = cloud.user("grace"), cloud.user("intakebot")
        self.carl = cloud.user("carl")
        cloud.workspace("acme", owner="grace")
        self.add(MAIN)
        self.environ |= {
            "INTAKEBOT_STATE": str(self.state),
            "BITBUCKET_URL": cloud.url,
            "BITBUCKET_GIT_URL": cloud.git_url,
            "PUBLIC_URL": HOUSE,
            "INTAKEBOT_SECRET_BITBUCKET_CLOUD": MASTER,
            "BITBUCKET_TOKEN": self.bot.token,
            "BITBUCKET_EMAIL": self.bot.email,
            "BITBUCKET_LAND_TOKEN": cloud.token("intakebot"),
            "BITBUCKET_LAND_EMAIL": self.bot.email,
            "BITBUCKET_ADMIN_TOKEN": self.grace.token,
            "BITBUCKET_ADMIN_EMAIL": self.grace.email,
        }

    def add(self, name: str) -> None:
        self.cloud.repository(name)
        self.cloud.grant("intakebot", name, "admin")
        self.cloud.grant("carl", name, "write")

    def run(self, *words: str, **environ: str | None) -> Result:
        given = {"DATABASE_URL": None, **self.environ, **environ}
        return CliRunner().invoke(main, words, env=given)

    def connect(self, *words: str, **environ: str | None) -> Result:
        return self.run("connect", "bitbucket-cloud", *(words or (MAIN, "--yes")), **environ)

    def disconnect(self, *words: str, **environ: str | None) -> Result:
        return self.run("disconnect", "bitbucket-cloud", *(words or (MAIN, "--yes")), **environ)

    def dies(self, times: int, *words: str) -> bool:
        """A real process that SIGKILLs itself at its n-th step; False when it came to the end."""
        command = [sys.executable, "-m", "intakebot", *words]
        environ = {**os.environ, **self.environ, "INTAKEBOT_CRASH": f"connect.mid:{times}"}
        done = subprocess.run(command, env=environ, capture_output=True, timeout=60, check=False)
        assert done.returncode in (0, -9), done.stderr.decode() + done.stdout.decode()
        return done.returncode == -9

    # What there is.

    def hooks(self, name: str = MAIN) -> list[Hook]:
        with self.cloud.site.lock:
            state = self.cloud.site.state
            return [state.hooks[one] for one in self.cloud.at(name).hooks]

    def rules(self, name: str = MAIN) -> dict[tuple[str, str], Restriction]:
        found = list(self.cloud.at(name).restrictions.values())
        rules = {(one.kind, one.pattern): one for one in found}
        assert len(rules) == len(found), "two restrictions of a kind for one pattern"
        return rules

    def branches(self, name: str = MAIN) -> set[str]:
        return set(self.cloud.at(name).refs)

    def rows(self) -> list[ConnectionRow]:
        with self.database() as database, database.read() as connection:
            return connections.all_of(connection, "bitbucket-cloud")

    @contextmanager
    def database(self) -> Iterator[Database]:
        found = Database(load(self.state, {}).database_url)
        try:
            schema.upgrade(found, now=now())
            yield found
        finally:
            found.close()


def fine(done: Result) -> str:
    assert done.exit_code == 0, done.output
    return done.output


def data(done: Result) -> Mapping[str, Any]:
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def pushes(who: Member, branch: str) -> bool:
    """Somebody's plain push of one commit to a branch of the main repository."""
    clone = who.clone(MAIN, f"clone-{len(list(who.folder.glob('clone-*')))}")
    who.commit(clone, {f"{who.nickname}-{clone.name}.txt": "x\n"}, "A commit")
    return who.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}", within=clone).ok


@contextmanager
def desk_in(folder: Path, databases: Databases) -> Iterator[Desk]:
    """Every test's requests and answers keep the contract, where it is at hand."""
    state = folder / "house"
    state.mkdir()
    with databases.house(state), BitbucketCloud(folder / "cloud") as cloud:
        yield Desk(cloud, state)
        assert cloud.contract_errors == ()
