"""The flow rooms on a real Git forge over real HTTP, with work done when the test says so.

No worker process and no Redis: the bell keeps what was rung, and `settle` does it in order
until nothing is due. Sandboxed checks, git, databases and the forge are the real ones.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from click.testing import CliRunner, Result

from intakebot import crash
from intakebot import settings as settings_file
from intakebot.cli.main import main
from intakebot.flow.house import House
from intakebot.flow.survey import discover
from intakebot.flow.sweep import Clock
from intakebot.model import Comment, Group, Pull, Role
from intakebot.settings import Settings
from intakebot.store import people, schema, work
from intakebot.store.database import Database
from intakebot.store.tables import lanes, pulls, receipts, runs
from intakebot.wiring import build_house, built_in_forge, forges, now
from intakebot.world.people import Somebody
from intakebot.world.ports import free_ports
from tests.flow import dying
from tests.flow.rooms import ROOMS
from tests.warm import forge_server

A_WHILE = timedelta(minutes=5)


@dataclass
class Rings:
    waiting: list[str] = field(default_factory=list)
    silent: bool = False  # a bell that nobody hears

    def ring(self, bells: Sequence[str]) -> None:
        if not self.silent:
            self.waiting += [bell for bell in bells if bell not in self.waiting]


@dataclass
class Workshop:
    state: Path
    settings: Settings
    bell: Rings
    house: House
    server: BaseProcess
    offset: timedelta = timedelta()

    # --- doing work -------------------------------------------------------------------

    def settle(self, *, checks: bool = True, most: int = 400) -> None:
        """Survey, then do what is rung until it is quiet."""
        discover(self.house)
        for _ in range(most):
            bells = [bell for bell in self.bell.waiting if checks or not bell.startswith("run:")]
            if not bells:
                return
            self.bell.waiting.remove(bells[0])
            self.do(bells[0])
        raise AssertionError(f"never quiet; still ringing: {self.bell.waiting[:5]}")

    def do(self, bell: str) -> None:
        kind, _, row = bell.partition(":")
        ROOMS[kind](self.house, int(row))

    def look_again(self, number: int) -> None:
        """As after a delivery that says no more than that something may have happened."""
        self.bell.ring([f"look:{self._nudged(number)}"])
        self.settle()

    def look_once(self, number: int) -> None:
        """One look and no more, whatever becomes of it."""
        self.do(f"look:{self._nudged(number)}")

    def _nudged(self, number: int) -> int:
        with self.house.database.write() as connection:
            row = connection.scalar(sa.select(pulls.c.id).where(pulls.c.number == number))
            assert row is not None
            work.nudge(connection, pulls, row, self.now())
        return int(row)

    def settle_in_a_process_that_dies(self, step: str, times: int = 1) -> bool:
        """The same, and once more a while later, in a process that is killed; True when it was."""
        died = self.dies(self._settles_twice, step, times)
        self.passes(A_WHILE)  # its clock and ours are the same
        return died

    def dies(self, work: Callable[[], None], step: str, times: int = 1) -> bool:
        """Work in a fork that is killed with SIGKILL at a crashpoint; True when it was."""
        self.house.database.close()
        return dying.dies(lambda: self._apart(work), step, times)

    def settle_without_room(self) -> None:
        """In a fork that can't make any file longer than 4 KiB, as on a disk that is full."""
        self.house.database.close()

        def work() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python has it, git told again
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
            self._apart(self.settle)

        dying.apart(work)

    @contextmanager
    def pausing(self, step: str) -> Iterator[bool]:
        """A worker that settles in a fork until it stops at a step; it goes on when the block ends,
        to its own end. Gives whether it came there."""
        self.house.database.close()
        pid = os.fork()
        if pid == 0:
            os.environ["INTAKEBOT_PAUSE"] = f"{step}:1"
            crash.read_again()
            os._exit(dying.status_of(lambda: self._apart(self.settle)))
        _, status = os.waitpid(pid, os.WUNTRACED)
        try:
            yield os.WIFSTOPPED(status)
        finally:
            if os.WIFSTOPPED(status):
                os.kill(pid, signal.SIGCONT)
                _, status = os.waitpid(pid, 0)
        assert os.WEXITSTATUS(status) == 0, "the paused worker failed when it went on"

    def _settles_twice(self) -> None:
        self.settle()
        self.passes(A_WHILE)
        self.settle()

    def _apart(self, work: Callable[[], None]) -> None:
        database = Database(self.settings.database_url)
        self.house = replace(self.house, database=database, forges=forges(self.settings, database))
        work()

    def restart(self) -> None:
        """A minute later the dead worker's leases have run out, and the clock has rung again."""
        self.passes(timedelta(minutes=1))
        self.bell.waiting.clear()  # its bells died with it
        Clock(self.house).sweep()

    def sweep(self) -> None:
        """What the clock rings for, done."""
        Clock(self.house).sweep()
        self.settle()

    def passes(self, time: timedelta) -> None:
        self.offset += time

    def now(self) -> datetime:
        return now() + self.offset

    # --- people -----------------------------------------------------------------------

    def person(
        self,
        login: str,
        group: Group,
        *,
        agency: str = "",
        roles: tuple[Role, ...] = (Role.CONTRIBUTOR,),
        access: str = "read",
    ) -> Somebody:
        forge = built_in_forge(self.settings)
        account = forge.add_person(login, login.capitalize())
        forge.grant("site", login, access)
        if group is not Group.OUTSIDER:
            with self.house.database.write() as connection:
                person = people.add(
                    connection, name=login.capitalize(), group=group, agency=agency, roles=roles
                )
                people.link(connection, person, "git", account, login)
        folder = self.state / "people" / login
        folder.mkdir(parents=True)
        token = forge.new_token(login)
        return Somebody(login, token, self.settings.git_url, self.settings.public_url, folder)

    def say(self, person: Somebody, number: int, text: str, seen_head: str = "") -> str:
        """A new comment; returns its id."""
        body = {"text": text, **({"seen_head": seen_head} if seen_head else {})}
        answer = person.forge("POST", f"{self.place(number)}/comments", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def says(self, person: Somebody, number: int, text: str) -> str:
        """Say it, settle, and return the bot's answer."""
        comment = self.say(person, number, text)
        self.settle()
        return self.answer_to(number, comment)

    def edit(self, person: Somebody, number: int, comment: str, text: str) -> None:
        place = f"{self.place(number)}/comments/{comment}"
        assert person.forge("PATCH", place, {"text": text}).ok

    def delete(self, person: Somebody, number: int, comment: str) -> None:
        assert person.forge("DELETE", f"{self.place(number)}/comments/{comment}").ok

    def land(self, maintainer: Somebody, number: int) -> None:
        self.settle()
        self.say(maintainer, number, "/approve")
        self.say(maintainer, number, "/merge")
        self.settle()
        assert self.standing(number) == "landed", self.why(number)

    def cli(self, *words: str) -> Result:
        """A command as the house's operator gives it."""
        self.house.database.close()
        environ = {
            "INTAKEBOT_STATE": str(self.state),
            "DATABASE_URL": self.settings.database_url,
            "PUBLIC_URL": self.settings.public_url,
            "PORT": str(int(self.settings.git_url.rpartition(":")[2]) - 1),
        }
        return CliRunner().invoke(main, list(words), env=environ)

    def grants(self, login: str, access: str) -> None:
        built_in_forge(self.settings).grant("site", login, access)

    def review(self, person: Somebody, number: int, state: str) -> None:
        body = {"head": self.pull(number).head, "state": state}
        assert person.forge("POST", f"{self.place(number)}/reviews", body).ok

    def change(self, person: Somebody, number: int, **values: object) -> None:
        """Title, draft, state, target of a pull request."""
        answer = person.forge("PATCH", self.place(number), values)
        assert answer.ok, answer.text

    def place(self, number: int) -> str:
        return f"/api/repos/{self.repo_id}/pulls/{number}"

    # --- writing code -----------------------------------------------------------------

    def clone(self, person: Somebody) -> Path:
        """This person's clone of the main repository, made on first use, up to date."""
        folder = person.folder / "site-main"
        if folder.exists():
            person.must("fetch", "--quiet", "origin", within=folder)
            return folder
        return person.clone()

    def opens(
        self,
        person: Somebody,
        files: Mapping[str, str],
        *,
        branch: str = "change",
        title: str = "Say more on the page",
        base: str = "origin/main",
        options: Sequence[str] = (),
    ) -> int:
        """Push one commit to a new branch of this person's fork; returns the number."""
        clone = self.clone(person)
        person.must("switch", "--quiet", "--no-track", "-C", branch, base, within=clone)
        person.commit(clone, files, title)
        said = self.push(person, branch, options=options)
        number = re.search(r"Pull request #([0-9]+)", said)
        assert number, said
        return int(number[1])

    def push(
        self, person: Somebody, branch: str, *, owner: str = "", options: Sequence[str] = ()
    ) -> str:
        """What the clone has checked out, to a branch of a fork, their own unless told."""
        url = person.url(owner or person.login)
        wishes = [f"--push-option={option}" for option in options]
        refspec = f"+HEAD:refs/heads/{branch}"
        return person.must("push", *wishes, url, refspec, within=self.clone(person))

    def pushes(self, person: Somebody, files: Mapping[str, str], *, branch: str = "change") -> str:
        """One more commit on the branch; returns the new head."""
        clone = self.clone(person)
        person.must("switch", "--quiet", branch, within=clone)
        head = person.commit(clone, files, "Go on with it")
        self.push(person, branch)
        return head

    def served(self, *arguments: str) -> str:
        """Plain git in the served repository, as somebody on the machine can run it."""
        folder = self.state / "git" / "main" / "site.git"
        done = subprocess.run(
            ["git", f"--git-dir={folder}", *arguments], capture_output=True, check=True, text=True
        )
        return done.stdout.strip()

    def by_hand(self, branch: str, files: Mapping[str, str]) -> str:
        """A commit put on a protected branch behind everybody's back; returns its id."""
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            git = ("git", "-C", name, "-c", "user.name=root", "-c", "user.email=root@localhost")
            url = str(self.state / "git" / "main" / "site.git")
            _run("git", "clone", "--quiet", "--branch", branch, url, name)
            for path, text in files.items():
                (place / path).write_text(text, "utf-8")
            _run(*git, "add", "--all")
            _run(*git, "commit", "--quiet", "--message", "By hand")
            commit = _run(*git, "rev-parse", "HEAD")
            self.served("fetch", "--quiet", name, commit)
        self.served("update-ref", f"refs/heads/{branch}", commit)
        return commit

    # --- looking ----------------------------------------------------------------------

    @property
    def repo_id(self) -> str:
        return self.house.forges["git"].repos()[0].id

    def pull(self, number: int) -> Pull:
        found = self.house.forges["git"].pull(self.repo_id, number)
        assert found is not None
        return found

    def newest(self) -> int:
        """The number of the pull request that was opened last."""
        return int(self.rows(sa.select(sa.func.max(pulls.c.number)))[0][0])

    def standing(self, number: int) -> str:
        return str(self._kept(pulls.c.state, number))

    def why(self, number: int) -> str:
        return str(self._kept(pulls.c.why, number))

    def problem(self, number: int) -> str:
        return str(self._kept(pulls.c.problem, number))

    def _kept(self, column: sa.Column[Any], number: int) -> object:
        with self.house.database.read() as connection:
            return connection.scalar(sa.select(column).where(pulls.c.number == number))

    def rows(self, query: sa.Select[Any]) -> list[sa.Row[Any]]:
        with self.house.database.read() as connection:
            return list(connection.execute(query))

    def runs(self) -> list[tuple[str, str]]:
        """(state, tree) of every check run, in the order they were asked for."""
        rows = self.rows(sa.select(runs).order_by(runs.c.id))
        return [(row.state, row.tree) for row in rows]

    def lane_problem(self) -> str:
        return str(self.rows(sa.select(lanes.c.problem).where(lanes.c.branch == "main"))[0][0])

    def receipts(self) -> list[sa.Row[Any]]:
        return self.rows(sa.select(receipts).order_by(receipts.c.id))

    def forge_seq(self) -> str:
        """How much has happened at the forge, our own writing included."""
        return self.house.forges["git"].pulls_since(self.repo_id, "").cursor

    def marks(self, number: int) -> list[Comment]:
        """The bot's comments that are at the forge now, inline ones too."""
        return [comment for comment in self.pull(number).comments if comment.key is not None]

    def status_text(self, number: int) -> str:
        return self.bot_says(number)["status"]

    def bot_says(self, number: int) -> dict[str, str]:
        """Mark -> text of the bot's comments that are at the forge now."""
        return {
            comment.key: comment.text
            for comment in self.pull(number).comments
            if comment.key is not None
        }

    def answer_to(self, number: int, comment: str) -> str:
        return self.bot_says(number).get(f"answer:{comment}", "")

    def branch(self, name: str) -> str:
        return self.served("rev-parse", f"refs/heads/{name}")

    def tree(self, name: str) -> str:
        return self.served("rev-parse", f"refs/heads/{name}^{{tree}}")

    def close(self) -> None:
        self.house.database.close()
        self.server.kill()  # whoever is still connected; its worker dies with it
        self.server.join(timeout=20)


def open_workshop(state: Path, site: Path) -> Workshop:
    """A forge with the repository `site` made from a folder, and a house that watches it."""
    port = free_ports()
    environ = {"PORT": str(port - 1), "INTAKEBOT_STATE": str(state)}
    state.mkdir(parents=True, exist_ok=True)
    forge = built_in_forge(settings_file.load(state, environ))
    forge.migrate()
    forge.configure(git_url=f"http://127.0.0.1:{port}", page_url=f"http://127.0.0.1:{port - 1}")
    settings_file.keep_secrets(
        state,
        {
            "INTAKEBOT_SECRET_GIT": "test-secret",
            "SESSION_SECRET": "test-session-secret",
            **{
                f"GIT_{scope.upper()}_TOKEN": forge.new_token("intakebot", scope)
                for scope in ("bot", "land", "web")
            },
        },
    )
    forge.add_repo("site", from_path=site)
    settings = settings_file.load(state, environ)
    server = forge_server(state, port)
    until(lambda: _answers(f"{settings.git_url}/livez"))
    bell = Rings()
    shop = Workshop(state, settings, bell, build_house(settings, bell=bell), server)
    shop.house = replace(shop.house, now=shop.now)
    schema.upgrade(shop.house.database, now=now())
    return shop


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


def until(ready: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
