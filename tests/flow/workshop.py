"""The flow rooms on a real Git forge over real HTTP, with work done when the test says so.

No worker process and no Redis: the bell keeps what was rung, and `settle` does it in order
until nothing is due. Sandboxed checks, git, databases and the forge are the real ones.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from intakebot import settings as settings_file
from intakebot.flow.house import House
from intakebot.flow.lane import lane
from intakebot.flow.look import look
from intakebot.flow.run import run
from intakebot.flow.survey import discover, survey
from intakebot.model import Group, Pull, Role
from intakebot.settings import Settings
from intakebot.store import people, schema
from intakebot.store.tables import pulls
from intakebot.wiring import build_house, built_in_forge, now
from intakebot.world.house import free_ports
from intakebot.world.people import Somebody

SERVE = """
import sys
from pathlib import Path
from intakebot.gitforge.server import serve
serve(Path(sys.argv[1]), "127.0.0.1", int(sys.argv[2]), 8)
"""


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
    server: subprocess.Popen[bytes]
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
        {"look": look, "run": run, "lane": lane, "survey": survey, "discover": discover}[kind](
            self.house, int(row)
        )

    def settle_in_a_process_that_dies(self, step: str, times: int = 1) -> bool:
        """The same in a fork that is killed with SIGKILL at a crashpoint; True when it was."""
        pid = os.fork()
        if pid == 0:
            os.environ["INTAKEBOT_CRASH"] = f"{step}:{times}"
            status = 1
            with suppress(BaseException):
                fresh = replace(self, house=_house(self.settings, self.bell, self))
                fresh.settle()
                status = 0
            os._exit(status)
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return True
        assert os.WEXITSTATUS(status) == 0, "the process failed before it reached its end"
        return False

    def forget_leases(self) -> None:
        """As if the dead worker's lease had run out: the clock goes on by a minute."""
        self.offset += timedelta(minutes=1)

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

    def say(self, person: Somebody, number: int, text: str) -> str:
        answer = person.forge(
            "POST", f"/api/repos/{self.repo_id}/pulls/{number}/comments", {"text": text}
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    # --- looking ----------------------------------------------------------------------

    @property
    def repo_id(self) -> str:
        return self.house.forges["git"].repos()[0].id

    def pull(self, number: int) -> Pull:
        found = self.house.forges["git"].pull(self.repo_id, number)
        assert found is not None
        return found

    def standing(self, number: int) -> str:
        with self.house.database.read() as connection:
            return str(connection.scalar(sa.select(pulls.c.state).where(pulls.c.number == number)))

    def why(self, number: int) -> str:
        with self.house.database.read() as connection:
            return str(connection.scalar(sa.select(pulls.c.why).where(pulls.c.number == number)))

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
        served = self.state / "git" / "main" / "site.git"
        done = subprocess.run(
            ["git", f"--git-dir={served}", "rev-parse", f"refs/heads/{name}"],
            capture_output=True,
            check=True,
            text=True,
        )
        return done.stdout.strip()

    def close(self) -> None:
        self.house.database.close()
        self.server.terminate()
        self.server.wait(timeout=20)


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
    server = subprocess.Popen([sys.executable, "-c", SERVE, str(state), str(port)])
    until(lambda: _answers(f"{settings.git_url}/livez"))
    bell = Rings()
    shop = Workshop(state, settings, bell, build_house(settings, bell=bell), server)
    shop.house = _house(settings, bell, shop)
    schema.upgrade(shop.house.database, now=now())
    return shop


def _house(settings: Settings, bell: Rings, shop: Workshop) -> House:
    return replace(build_house(settings, bell=bell), now=shop.now)


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
