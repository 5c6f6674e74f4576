"""The flow rooms against a fake Bitbucket Cloud over real HTTP and real git, without webhooks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from intakebot import settings as settings_file
from intakebot.flow.house import House
from intakebot.flow.lane import lane
from intakebot.flow.look import look
from intakebot.flow.run import run
from intakebot.flow.survey import discover, survey
from intakebot.model import Comment, Group, Repo, Role
from intakebot.repo.mirror import Mirror
from intakebot.store import people, schema, work
from intakebot.store.tables import incidents, lanes, pulls
from intakebot.wiring import build_house
from intakebot.world.bitbucket_cloud import Member
from tests.flow.workshop import Rings
from tests.forges.bitbucket_cloud.cast import MAIN, Cast

FORGE = "bitbucket-cloud"


@dataclass
class CloudShop:
    cast: Cast
    house: House
    bell: Rings

    def settle(self, most: int = 300) -> None:
        """Survey as if the time for it had come, then do what is rung until it is quiet."""
        self.cast.later(minutes=3)
        discover(self.house)
        for _ in range(most):
            if not self.bell.waiting:
                return
            kind, _, row = self.bell.waiting.pop(0).partition(":")
            {"look": look, "run": run, "lane": lane, "survey": survey}[kind](self.house, int(row))
        raise AssertionError(f"never quiet; still ringing: {self.bell.waiting[:5]}")

    def look_again(self, number: int) -> None:
        with self.house.database.write() as connection:
            row = connection.scalar(sa.select(pulls.c.id).where(pulls.c.number == number))
            assert row is not None
            work.nudge(connection, pulls, row, self.house.now())
        look(self.house, row)

    def on_roster(
        self, who: Member, group: Group, *, agency: str = "", role: Role = Role.CONTRIBUTOR
    ) -> None:
        with self.house.database.write() as connection:
            person = people.add(
                connection,
                name=who.nickname.capitalize(),
                group=group,
                agency=agency,
                roles=(role,),
            )
            people.link(connection, person, FORGE, who.uuid, who.nickname)

    def kept(self, column: sa.Column[Any], number: int) -> str:
        with self.house.database.read() as connection:
            return str(connection.scalar(sa.select(column).where(pulls.c.number == number)))

    def standing(self, number: int) -> str:
        return self.kept(pulls.c.state, number)

    def why(self, number: int) -> str:
        return self.kept(pulls.c.why, number) + self.kept(pulls.c.problem, number)

    def bot_comments(self, number: int) -> list[Comment]:
        found = self.cast.pull(number).comments
        return [one for one in found if one.by.id == self.cast.bot.uuid]

    def status_text(self, number: int) -> str:
        return self.bot_comments(number)[0].text

    def tip(self, branch: str) -> str:
        return self.cast.cloud.tip(MAIN, branch)

    def frozen(self) -> str:
        with self.house.database.read() as connection:
            return "; ".join(connection.scalars(sa.select(lanes.c.frozen)))

    def incidents(self) -> list[sa.Row[Any]]:
        with self.house.database.read() as connection:
            return list(connection.execute(sa.select(incidents)))


def open_cloud_shop(folder: Path, cast: Cast) -> CloudShop:
    settings = settings_file.load(folder / "state", {})
    settings.state.mkdir()
    bell = Rings()
    whole = build_house(settings, bell=bell)
    schema.upgrade(whole.database, now=cast.clock.now())

    def mirror(repo: Repo, purpose: Literal["read", "land"]) -> Mirror:
        return Mirror(folder / "state" / "main.git", cast.forge.credential(repo, purpose))

    cast.branch("deploy")
    cast.connections[:] = [replace(cast.connection, deploy="deploy")]
    house = replace(
        whole,
        forges={FORGE: cast.forge},
        mirror=lambda repo: mirror(repo, "read"),
        landing=lambda repo: mirror(repo, "land"),
        now=cast.clock.now,
    )
    shop = CloudShop(cast, house, bell)
    shop.on_roster(cast.ada, Group.AGENCY, agency="Alder")
    shop.on_roster(cast.bob, Group.STAFF, role=Role.MAINTAINER)
    return shop
