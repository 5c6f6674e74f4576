"""One way to speak to a house on either forge: what people do there, what the house then does."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from intakebot import crash
from intakebot.flow.house import House
from intakebot.flow.survey import discover
from intakebot.flow.sweep import Clock
from intakebot.model import Group, Role
from intakebot.store import work
from intakebot.store.database import Database
from intakebot.store.tables import landings, pulls
from intakebot.world.bitbucket_cloud import BitbucketCloud, Member
from intakebot.world.people import Somebody
from tests.databases import Databases
from tests.flow.cloud_shop import CloudShop, open_cloud_shop
from tests.flow.conftest import SITE, ada, checking_shop, grace
from tests.flow.rooms import ROOMS
from tests.flow.workshop import Rings, Workshop
from tests.forges.bitbucket_cloud import cast as casts

CHECK = "[checks.words]\nrun = \"! grep -rn 'BRO[K]EN' .\"\n"
LONG = timedelta(minutes=10)


class People(Protocol):
    """What people do at a forge. Numbers are those of pull requests."""

    def opens(self, name: str) -> tuple[int, str]:
        """The author's pull request from a branch of that name: its number and head."""

    def pushes(self, name: str, text: str) -> str:
        """One more commit on that branch; returns the head."""

    def says(self, who: str, number: int, text: str) -> str:
        """`who` is author, maintainer or colleague; returns the comment's id."""

    def deletes(self, who: str, number: int, comment: str) -> None: ...

    def approves(self, number: int) -> None:
        """The maintainer, by the forge's own button."""


@dataclass
class Shop:
    """The rooms of one house, worked by hand. `jump` is how far its clock was put wrong."""

    people: People
    house: House
    bell: Rings
    passes: Callable[[timedelta], None]  # for the whole world, the house included
    renewed: Callable[[House], House]  # with connections of its own, for a fork
    jump: timedelta = field(default_factory=timedelta)

    def does(self, most: int) -> None:
        """So many things that were rung for, oldest first."""
        for _ in range(most):
            if not self.bell.waiting:
                return
            kind, _, row = self.bell.waiting.pop(0).partition(":")
            ROOMS[kind](self.house, int(row))

    def nudged(self, number: int) -> None:
        """As by a delivery; also one that comes late, or twice."""
        with self.house.database.write() as connection:
            row = connection.scalar(sa.select(pulls.c.id).where(pulls.c.number == number))
            if row is None:
                return
            work.nudge(connection, pulls, row, self.house.now())
        self.bell.ring([f"look:{row}"])

    def settles(self, rounds: int = 4) -> None:
        """Time passes, the clock rings, surveys go round, and all that is due is done."""
        for _ in range(rounds):
            self.passes(LONG)
            Clock(self.house).sweep()
            for _ in range(300):
                if not self.bell.waiting:
                    break
                self.does(1)
            assert not self.bell.waiting, f"never quiet: {self.bell.waiting[:5]}"

    def dies(self, step: str, times: int) -> bool:
        """A worker that does what is due and is killed at a step, if it comes there."""
        self.house.database.close()  # connections never cross a fork
        pid = os.fork()
        if pid == 0:
            os.environ["INTAKEBOT_CRASH"] = f"{step}:{times}"
            crash.read_again()
            os._exit(self._works_apart())
        _, status = os.waitpid(pid, 0)
        self.bell.waiting.clear()  # its bells died with it
        if os.WIFSIGNALED(status):
            return True
        assert os.WEXITSTATUS(status) == 0, "the worker failed before it was killed"
        return False

    def _works_apart(self) -> int:
        self.house = self.renewed(self.house)
        try:
            discover(self.house)
            self.does(40)
        except BaseException:
            traceback.print_exc()
            return 1
        return 0

    def landed(self) -> list[tuple[int, str]]:
        """(number, head) of everything that ever landed."""
        query = sa.select(landings.c.number, landings.c.head).order_by(landings.c.id)
        with self.house.database.read() as connection:
            rows = connection.execute(query.where(landings.c.landed_at.is_not(None)))
            return [(row.number, row.head) for row in rows]

    def stands(self, number: int) -> tuple[str, str]:
        """(state, why and problem)"""
        shown = (pulls.c.state, pulls.c.why, pulls.c.problem)
        with self.house.database.read() as connection:
            row = connection.execute(sa.select(*shown).where(pulls.c.number == number)).first()
        return (row.state, f"{row.why} {row.problem}") if row else ("", "never seen")


# --- the Git forge --------------------------------------------------------------------


@dataclass
class GitPeople:
    shop: Workshop
    author: Somebody
    maintainer: Somebody
    colleague: Somebody

    def opens(self, name: str) -> tuple[int, str]:
        number = self.shop.opens(self.author, {f"{name}.html": f"<p>{name}</p>\n"}, branch=name)
        return number, self.shop.pull(number).head

    def pushes(self, name: str, text: str) -> str:
        return self.shop.pushes(self.author, {f"{name}.html": f"<p>{text}</p>\n"}, branch=name)

    def says(self, who: str, number: int, text: str) -> str:
        return self.shop.say(self._who(who), number, text)

    def deletes(self, who: str, number: int, comment: str) -> None:
        self.shop.delete(self._who(who), number, comment)

    def approves(self, number: int) -> None:
        self.shop.review(self.maintainer, number, "approved")

    def _who(self, name: str) -> Somebody:
        who: Somebody = getattr(self, name)
        return who


@contextmanager
def git_house(folder: Path, databases: Databases, checking: House) -> Iterator[Shop]:
    files = {**SITE, ".intakebot.toml": CHECK}
    with checking_shop(folder, databases, checking, files) as shop:
        colleague = shop.person(
            "alan", Group.AGENCY, agency="Alder", roles=(Role.MAINTAINER,), access="write"
        )
        people = GitPeople(shop, ada(shop), grace(shop), colleague)

        def renewed(house: House) -> House:
            return replace(house, database=Database(shop.settings.database_url))

        found = Shop(people, shop.house, shop.bell, shop.passes, renewed)
        found.house = shop.house = replace(shop.house, now=lambda: shop.now() + found.jump)
        yield found


# --- Bitbucket Cloud ------------------------------------------------------------------


@dataclass
class CloudPeople:
    shop: CloudShop
    colleague: Member

    def opens(self, name: str) -> tuple[int, str]:
        page = {f"{name}.html": f"<p>{name}</p>\n"}
        return self.shop.cast.opens(name, page, title="Say more on the page")

    def pushes(self, name: str, text: str) -> str:
        cast = self.shop.cast
        cast.ada.must("switch", "--quiet", name, within=cast.clone)
        return cast.pushes({f"{name}.html": f"<p>{text}</p>\n"})

    def says(self, who: str, number: int, text: str) -> str:
        return self.shop.cast.says(self._who(who), number, text)

    def deletes(self, who: str, number: int, comment: str) -> None:
        path = f"/repositories/{casts.MAIN}/pullrequests/{number}/comments/{comment}"
        assert self._who(who).api("DELETE", path).ok

    def approves(self, number: int) -> None:
        self.shop.cast.approves(self.shop.cast.bob, number)

    def _who(self, name: str) -> Member:
        cast = self.shop.cast
        return {"author": cast.ada, "maintainer": cast.bob, "colleague": self.colleague}[name]


@contextmanager
def cloud_house(folder: Path, databases: Databases, checking: House) -> Iterator[Shop]:
    clock = casts.Clock()
    with (
        databases.house(folder / "state"),
        BitbucketCloud(folder / "cloud", now=clock.now) as cloud,
    ):
        cast = casts.Cast(cloud, folder, clock)
        shop = open_cloud_shop(folder, cast)
        alan = cloud.user("alan")
        cloud.grant("alan", casts.MAIN, "write")
        shop.on_roster(alan, Group.AGENCY, agency="Alder", role=Role.MAINTAINER)
        clone = cast.bob.clone(casts.MAIN, "setup")
        cast.bob.commit(clone, {".intakebot.toml": CHECK}, "Check the words")
        cast.bob.must("push", "--quiet", "origin", "HEAD:main", within=clone)
        url = shop.house.database.url

        def renewed(house: House) -> House:
            forges = {cast.forge.name: cast.new_forge()}
            return replace(house, database=Database(url), forges=forges)

        def passes(time: timedelta) -> None:
            clock.ahead += time

        found = Shop(CloudPeople(shop, alan), shop.house, shop.bell, passes, renewed)
        found.house = shop.house = replace(
            shop.house,
            now=lambda: clock.now() + found.jump,
            sandbox=checking.sandbox,
            toolbox=checking.toolbox,
        )
        yield found
        found.house.database.close()
        assert cloud.contract_errors == ()
