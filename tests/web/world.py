"""A small house for the web's tests: a forge that keeps state, a real database, real git."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from intakebot.checks.prepare import Pantry
from intakebot.checks.proxy import Hosts
from intakebot.checks.sandbox import Sandbox
from intakebot.core.checkfile import Toolset
from intakebot.core.checking import Task, Told
from intakebot.core.rules import rules_digest
from intakebot.flow.house import House
from intakebot.model import (
    Account,
    CheckDefinition,
    CheckResult,
    Finding,
    Group,
    Incident,
    Pull,
    PullState,
    Role,
    Source,
    Standing,
    State,
    Turn,
    Verdict,
    VerdictState,
)
from intakebot.repo.change import tree_of
from intakebot.repo.git import Git
from intakebot.repo.mirror import Mirror
from intakebot.settings import Settings, load
from intakebot.store import incidents, lanes, memory, people, receipts, runs, schema, work
from intakebot.store.database import Database
from intakebot.store.tables import looks
from intakebot.web.app import create_app
from intakebot.wiring import dialects
from tests.web.evidence import finding, passed, some_facts, verdict
from tests.web.forge import ADA, GRACE, NOW, SITE, TOKENS, FakeForge

MIRROR = "git-1.git"
BEFORE = "def greet(name):\n    return name\n"
AFTER = "def greet(name):\n    print(name)\n    return name\n"


class NoBell:
    def ring(self, bells: object) -> None:
        return None


@dataclass
class World:
    settings: Settings
    house: House
    forge: FakeForge
    app: Flask
    folder: Path
    base: str
    head: str
    clock: list[datetime] = field(default_factory=lambda: [NOW])
    repo_id: int = 1

    @property
    def database(self) -> Database:
        return self.house.database

    def client(self, login: str | None = None) -> FlaskClient:
        """A browser; signed in when a login is given."""
        client = self.app.test_client()
        if login:
            answer = client.post(
                "/sign-in",
                data={"login": login, "token": TOKENS[login], "csrf": csrf(client, "/sign-in")},
            )
            assert answer.status_code == 302, answer.text
        return client

    def close(self) -> None:
        self.app.extensions["intakebot"].readiness.close()
        self.database.close()

    # --- filling it -------------------------------------------------------------------

    def add_pull(
        self,
        number: int,
        title: str = "Add a banner",
        *,
        author: Account = ADA,
        branch: str = "banner",
        state: State = State.NEEDS_CHANGES,
        turn: Turn = Turn.AUTHOR,
        why: str = "Not yet: Checks pass.",
        findings: Sequence[Finding] = (),
        verdicts: Sequence[Verdict] = (),
    ) -> int:
        """A pull request as the forge has it, and as one look left it."""
        pull = Pull(
            repo=self.forge.repo,
            number=number,
            title=title,
            description="",
            draft=False,
            state=PullState.OPEN,
            author=author,
            source=Source("9", "http://127.0.0.1:9/git/ada/site.git", branch),
            target="main",
            head=self.head,
            created_at=NOW,
            url=f"http://intake.example/pulls/site/{number}",
            fork_url="",
        )
        self.forge.found[number] = pull
        with self.database.write() as connection:
            pull_id = work.pull_row(connection, self.repo_id, number, NOW - timedelta(hours=3))
            standing = Standing(state, turn, why)
            memory.keep_look(
                connection,
                pull_id,
                some_facts(number, title, self.base, self.head),
                self.house.rules_digest,
                standing,
                verdicts,
                findings,
                (),
                NOW,
            )
            memory.keep_standing(connection, pull_id, pull, standing, NOW)
        return pull_id

    def add_check(self, pull_id: int, name: str, result: CheckResult) -> None:
        definition = CheckDefinition(name, ("pytest",), "none", "-", 60, 1 << 20, f"digest {name}")
        tree = tree_of(self.house.mirror(self.forge.repo).git, self.head)
        with self.database.write() as connection:
            run, _ = runs.ask(
                connection, self.repo_id, pull_id, "look", Task(definition, tree), self.house.now()
            )
            taken = runs.start(connection, run, "test", self.house.now(), timedelta(minutes=1))
            assert taken is not None
            runs.finish(connection, run, taken[1], result, self.house.now())
            last = memory.last_look(connection, pull_id)
            assert last is not None
            told = Told(name, definition.digest, tree, result.outcome.value, result.summary)
            values = {"checks": [*last.checks, asdict(told)]}
            connection.execute(sa.update(looks).where(looks.c.id == last.id).values(values))

    def land(self, pull_id: int, number: int) -> None:
        with self.database.write() as connection:
            lane = work.lane_row(connection, self.repo_id, "main")
            lanes.enter(connection, lane, pull_id, number, self.head, "2", "grace", NOW, NOW)
            entry = lanes.entry_of(connection, pull_id)
            assert entry is not None
            lanes.intend_landing(
                connection,
                {
                    "entry_id": entry.id,
                    "repo_id": self.repo_id,
                    "pull_id": pull_id,
                    "number": number,
                    "branch": "main",
                    "head": self.head,
                    "base": self.base,
                    "commit": "c" * 40,
                    "tree": "d" * 40,
                    "checks": [],
                    "facts_digest": "",
                    "rules_digest": "r",
                    "author_id": ADA.id,
                    "asked_by": GRACE.id,
                    "asked_login": GRACE.login,
                    "fence": 1,
                    "intended_at": NOW,
                    "deploy_branch": "deploy",
                },
            )
            landing = lanes.landing_of_entry(connection, entry.id)
            assert landing is not None
            lanes.change_entry(connection, entry.id, state="landed")
            lanes.landed(connection, landing.id, NOW)
            lanes.deployed(connection, landing.id, NOW)

    def add_receipt(self, pull_id: int) -> None:
        with self.database.write() as connection:
            receipts.intend(
                connection, pull_id, "k", "PostComment", self.head, "r", {"text": "x"}, NOW
            )
            receipts.confirm(connection, pull_id, "k", NOW)

    def add_one_of_everything(self) -> None:
        """One pull request with all that one can have, and an incident."""
        pull_id = self.add_pull(
            7, findings=[finding()], verdicts=[verdict("r1", VerdictState.UNSATISFIED)]
        )
        self.add_check(pull_id, "tests", passed())
        self.add_receipt(pull_id)
        self.land(pull_id, 7)
        self.add_incident()

    def add_incident(self, detail: str = "2 commits pushed to main") -> None:
        incident = Incident("7", "direct-push", "1", ADA, NOW, "refs/heads/main", detail)
        with self.database.write() as connection:
            incidents.keep(connection, self.repo_id, [incident])


def make_template(folder: Path) -> tuple[str, str]:
    """What every world starts from, made once: an empty database and a mirror. (base, head)"""
    settings = some_settings(folder)
    database = Database(settings.database_url)
    schema.upgrade(database, now=NOW)
    with database.write() as connection:
        repo = work.repo_row(connection, "git", "1")
        work.describe_repo(
            connection,
            repo,
            name="site",
            clone_url=SITE.clone_url,
            intake=SITE.intake,
            deploy=SITE.deploy,
        )
        _enlist(connection, GRACE, Group.STAFF, "", [Role.MAINTAINER])
        _enlist(connection, ADA, Group.AGENCY, "north", [Role.CONTRIBUTOR])
    database.close()
    mirror = settings.mirrors / MIRROR
    mirror.parent.mkdir()
    subprocess.run(["git", "init", "--quiet", "--bare", "--template=", str(mirror)], check=True)
    base = commit(mirror, {"greet.py": BEFORE.encode()}, None)
    return base, commit(mirror, {"greet.py": AFTER.encode()}, base)


def make_world(folder: Path, base: str, head: str) -> World:
    """A world in a copy of the template."""
    settings = some_settings(folder)
    mirror = Mirror(settings.mirrors / MIRROR)
    clock = [NOW]
    forge = FakeForge(SITE)
    house = House(
        database=Database(settings.database_url),
        forges={"git": forge},
        rules=(),
        rules_digest=rules_digest(()),
        bell=NoBell(),
        now=lambda: clock[0],
        mirror=lambda _: mirror,
        landing=lambda _: mirror,
        sandbox=_no_sandbox,
        toolbox=lambda: None,
        toolset=Toolset,
        pantry=Pantry(folder / "prepared", Hosts(frozenset())),
        public_url=settings.public_url,
        owner="test",
    )
    app = create_app(settings, house, dialects())
    return World(settings, house, forge, app, folder, base, head, clock)


def some_settings(folder: Path) -> Settings:
    return Settings(
        state=folder,
        database_url=load(folder, {}).database_url,
        redis_url=f"unix://{folder / 'no-bell.sock'}",
        public_url="http://intake.example",
        git_url="http://127.0.0.1:9",
        trusted_proxies=0,
        check_slots=1,
        webhook_secrets={"git": ("test-secret",)},
        session_secret="session-secret-of-the-tests",
        tokens={"bot": "bot-token", "land": "land-token", "web": "web-token"},
    )


def csrf(client: FlaskClient, place: str) -> str:
    """The form token of a page, as a browser would send it back."""
    html = client.get(place).text
    _, _, rest = html.partition('name="csrf" value="')
    return rest.partition('"')[0]


def _enlist(
    connection: sa.Connection, account: Account, group: Group, agency: str, roles: list[Role]
) -> None:
    person = people.add(connection, name=account.name, group=group, agency=agency, roles=roles)
    people.link(connection, person, "git", account.id, account.login)


def _no_sandbox() -> Sandbox:
    raise AssertionError("the web process runs no checks")


def commit(folder: Path, files: dict[str, bytes], parent: str | None) -> str:
    """A commit whose tree is exactly these files, all at the top."""
    git = Git(folder)
    lines = b""
    for name, content in files.items():
        blob = git.run("hash-object", "-w", "--stdin", feed=content).decode().strip()
        lines += f"100644 blob {blob}\t".encode() + name.encode() + b"\0"
    tree = git.run("mktree", "-z", feed=lines).decode().strip()
    who = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "Ada"), ("EMAIL", "ada@north.example"))
    }
    parents = ["-p", parent] if parent else []
    made = git.run("commit-tree", tree, "-m", "A change", *parents, env=who)
    return made.decode().strip()
