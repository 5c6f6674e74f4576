"""The flow rooms against a fake Bitbucket Cloud over real HTTP and real git, without webhooks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from intakebot.model import Comment, Group, Role
from intakebot.store.database import Database
from intakebot.store.tables import incidents, lanes, pulls
from intakebot.world.bitbucket_cloud import Member
from tests.flow import dying
from tests.flow.shop import Shop, house_of
from tests.forges.bitbucket_cloud.cast import MAIN, Cast


@dataclass
class CloudShop(Shop):
    cast: Cast

    def on_roster(
        self, who: Member, group: Group, *, agency: str = "", role: Role = Role.CONTRIBUTOR
    ) -> None:
        self.enrols(who.uuid, who.nickname, group, agency=agency, role=role)

    def dies(self, step: str, times: int) -> bool:
        """Settle in a process that is killed at a step; True when it was."""
        self.house.database.close()
        return dying.dies(self._settle_apart, step, times)

    def _settle_apart(self) -> None:
        database = Database(self.house.database.url)
        forges = {self.cast.forge.name: self.cast.new_forge()}
        self.house = replace(self.house, database=database, forges=forges)
        self.settle()

    def known(self) -> list[int]:
        """Numbers of the pull requests that the house has heard of."""
        with self.house.database.read() as connection:
            return list(connection.scalars(sa.select(pulls.c.number)))

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
    cast.branch("deploy")
    cast.connections[:] = [replace(cast.connection, deploy="deploy")]
    house = house_of(folder, cast.forge, cast.clock.now)
    shop = CloudShop(house, cast.clock, cast.repo_id, cast)
    shop.on_roster(cast.ada, Group.AGENCY, agency="Alder")
    shop.on_roster(cast.bob, Group.STAFF, role=Role.MAINTAINER)
    return shop
