"""A house that watches one repository, with work done when the test says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from intakebot import settings as settings_file
from intakebot.flow.house import House
from intakebot.flow.look import look
from intakebot.forges.api import Forge
from intakebot.model import Group, Repo, Role
from intakebot.repo.mirror import Mirror
from intakebot.store import people, schema, work
from intakebot.store.tables import pulls, repos
from intakebot.wiring import build_house
from tests.flow.rooms import ROOMS
from tests.flow.workshop import Rings
from tests.forges.clock import Clock


def house_of(folder: Path, forge: Forge, now: Callable[[], datetime]) -> House:
    """Its bell keeps what was rung."""
    settings = settings_file.load(folder / "state", {})
    settings.state.mkdir(parents=True, exist_ok=True)
    whole = build_house(settings, bell=Rings())
    schema.upgrade(whole.database, now=now())

    def mirror(repo: Repo, purpose: Literal["read", "land"]) -> Mirror:
        return Mirror(folder / "state" / "main.git", forge.credential(repo, purpose))

    return replace(
        whole,
        forges={forge.name: forge},
        mirror=lambda repo: mirror(repo, "read"),
        landing=lambda repo: mirror(repo, "land"),
        now=now,
    )


@dataclass
class Shop:
    """`clock` is the house's."""

    house: House
    clock: Clock
    repo_id: str

    @property
    def bell(self) -> Rings:
        assert isinstance(self.house.bell, Rings)
        return self.house.bell

    def restart(self, forge: Forge) -> None:
        """Go on with a plug that has seen nothing."""
        self.house = replace(self.house, forges={forge.name: forge})

    def settle(self, most: int = 300) -> None:
        """Survey as if the time for it had come, then do what is rung until it is quiet."""
        self.clock.later(minutes=3)
        [forge] = self.house.forges.values()
        [repo] = [one for one in forge.repos() if one.id == self.repo_id]
        with self.house.database.write() as connection:
            known = work.know_repo(connection, repo)
        self.bell.ring([f"survey:{known}"])
        for _ in range(most):
            if not self.bell.waiting:
                return
            kind, _, row = self.bell.waiting.pop(0).partition(":")
            if kind != "discover":  # the survey above is as good
                ROOMS[kind](self.house, int(row))
        raise AssertionError(f"never quiet; still ringing: {self.bell.waiting[:5]}")

    def look_again(self, number: int) -> None:
        row = self._kept(pulls.c.id, number)
        with self.house.database.write() as connection:
            work.nudge(connection, pulls, row, self.house.now())
        look(self.house, row)

    def enrols(
        self,
        account_id: str,
        login: str,
        group: Group,
        *,
        agency: str = "",
        role: Role = Role.CONTRIBUTOR,
    ) -> None:
        [forge] = self.house.forges
        with self.house.database.write() as connection:
            person = people.add(
                connection, name=login.capitalize(), group=group, agency=agency, roles=(role,)
            )
            people.link(connection, person, forge, account_id, login)

    def kept(self, column: sa.Column[Any], number: int) -> str:
        return str(self._kept(column, number))

    def _kept(self, column: sa.Column[Any], number: int) -> Any:
        query = sa.select(column).join(repos, repos.c.id == pulls.c.repo_id)
        one = query.where(repos.c.forge_id == self.repo_id, pulls.c.number == number)
        with self.house.database.read() as connection:
            return connection.execute(one).scalar_one()

    def standing(self, number: int) -> str:
        return self.kept(pulls.c.state, number)

    def why(self, number: int) -> str:
        return self.kept(pulls.c.why, number) + self.kept(pulls.c.problem, number)
