"""People at work on both forges, and faults in between, chosen by a seed."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
import sqlalchemy as sa

from intakebot.settings import load
from intakebot.store.database import Database
from intakebot.store.tables import deliveries, landings, pulls, repos
from tests.chaos.faults import EVERYDAY, FAULTS, End
from tests.chaos.streets import Failed, Known, Street
from tests.chaos.town import Town, built

MOST_OPEN = 4  # pull requests a street at a time; then people look after those
TEXTS = ("/approve", "/merge", "/approve\n/merge", "/hold", "/unhold", "/status", "Looks nice.")


@dataclass
class Story:
    """What happened, for whoever has to find out why."""

    seed: int
    told: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def note(self, kind: str, what: str) -> None:
        self.counts[kind] += 1
        self.told.append(f"{time.strftime('%H:%M:%S')} {kind}: {what}")


@dataclass
class Mix:
    town: Town
    chance: random.Random
    story: Story
    ending: list[tuple[float, str, End]] = field(default_factory=list)

    def go_on(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        past_lease = time.monotonic() + seconds * self.chance.uniform(0.1, 0.5)
        while time.monotonic() < until:
            self._end_what_is_over()
            if past_lease and time.monotonic() > past_lease and until - time.monotonic() > 25:
                past_lease = 0.0
                self._fault("pause past the lease")
            elif self.chance.random() < 0.45:
                self._fault(self.chance.choice(EVERYDAY))
            self._people()
        self._end_everything()

    def _fault(self, name: str) -> None:
        begin, longest = FAULTS[name]
        lasts = longest if longest > 20 else self.chance.uniform(0.3, 1) * longest
        self.story.note("fault", f"{name} for {lasts:.1f} s")
        self.ending.append((time.monotonic() + lasts, name, begin(self.town, self.chance)))

    def _end_what_is_over(self) -> None:
        for one in list(self.ending):
            at, _, end = one
            if time.monotonic() >= at:
                with suppress(redis.RedisError):
                    end()
                    self.ending.remove(one)

    def _end_everything(self, within: float = 30) -> None:
        """One fault may keep another from ending for a while."""
        deadline = time.monotonic() + within
        self.ending = [(0.0, name, end) for _, name, end in self.ending]
        while self.ending:
            self._end_what_is_over()
            lasting = ", ".join(name for _, name, _ in self.ending)
            assert time.monotonic() < deadline, f"never ended: {lasting}"

    def _people(self) -> None:
        street = self.chance.choice(self.town.streets)
        try:
            self._somebody(street)
        except Failed as error:
            self.story.note("failed", f"{street.name}: {str(error)[:80]!r}")

    def _somebody(self, street: Street) -> None:
        known = list(street.pulls.values())
        if not known or (len(known) < MOST_OPEN and self.chance.random() < 0.5):
            branch = f"b{self.story.counts['open']}"
            self.story.note("open", f"{street.name} {branch}")
            street.opens(branch)
            return
        one = self.chance.choice(known)
        if self.chance.random() < 0.25:
            text = f"time {self.story.counts['push']}"
            self.story.note("push", f"{street.name} #{one.number} {text}")
            street.pushes(one, text)
            return
        who = "maintainer" if self.chance.random() < 0.8 else "author"
        text = self.chance.choice(TEXTS)
        self.story.note("say", f"{street.name} #{one.number} {who} {text!r}")
        street.says(one, text, who)


def played(folder: Path, seed: int, seconds: float) -> Story:
    """Raises AssertionError, with the story, when something was lost, doubled or never ends."""
    story, chance = Story(seed), random.Random(seed)
    with built(folder, chance) as town:
        try:
            Mix(town, chance, story).go_on(seconds)
            town.quiet()
            _is_right(town)
            _the_rest_can_still_land(town, story)
            town.quiet(calm=3)
            _is_right(town)
        except AssertionError as error:
            raise AssertionError(f"{error}\nseed {seed}\n" + "\n".join(story.told)) from error
        story.counts["landed"] = len(_landed(town))
    return story


def _is_right(town: Town) -> None:
    broken = town.verify()
    assert not broken, broken
    _every_accepted_delivery_is_there(town)
    for street in town.streets:
        mine = [row for row in _landed(town) if row.forge == street.name]
        heads = [(row.number, row.head) for row in mine]
        assert len(set(heads)) == len(heads), f"{street.name}: landed twice: {heads}"
        by_number = {known.number: known for known in street.pulls.values()}
        for row in mine:
            known = by_number[row.number]
            assert row.head in known.approved, f"#{row.number} was not approved at {row.head}"
            assert row.head in known.asked, f"nobody asked to merge #{row.number} at {row.head}"
    assert town.cloud.contract_errors == ()


def _every_accepted_delivery_is_there(town: Town) -> None:
    accepted = set(town.post.accepted)
    accepted |= {
        one.request
        for one in town.cloud.webhooks.history
        if any(200 <= status < 300 for status in one.attempts)
    }
    kept = {row.delivery_id for row in _rows(town, sa.select(deliveries.c.delivery_id))}
    assert accepted <= kept, f"lost though accepted: {sorted(accepted - kept)[:5]}"


def _the_rest_can_still_land(town: Town, story: Story) -> None:
    """Two of each street, the newest ones: what was stuck once would be stuck for ever."""
    for street in town.streets:
        done = {row.number for row in _landed(town) if row.forge == street.name}
        left = [one for one in street.pulls.values() if one.number not in done][-2:]
        for one in left:
            street.pushes(one, "mended at last")
            _until(town, street, one, "needs review")
            street.says(one, "/unhold\n/approve\n/merge")
        for one in left:
            _until(town, street, one, "landed")
            story.note("landed at last", f"{street.name} #{one.number}")


def _until(town: Town, street: Street, known: Known, state: str, within: float = 90) -> None:
    shown = (
        sa.select(pulls.c.state, pulls.c.why, pulls.c.head, pulls.c.problem)
        .join(repos, repos.c.id == pulls.c.repo_id)
        .where(repos.c.forge == street.name, pulls.c.number == known.number)
        .where(repos.c.name.in_(("shop", "acme/site")))
    )
    deadline = time.monotonic() + within
    while True:
        row = _rows(town, shown)[0]
        if row.state == state and row.head in known.heads:
            return
        held = state == "needs review" and row.state == "on hold" and row.head in known.heads
        if held:
            return
        assert time.monotonic() < deadline, (
            f"{street.name} #{known.number} should be {state}: {row}"
        )
        time.sleep(0.2)


def _landed(town: Town) -> list[sa.Row[Any]]:
    query = (
        sa.select(landings.c.number, landings.c.head, repos.c.forge)
        .join(repos, repos.c.id == landings.c.repo_id)
        .where(landings.c.landed_at.is_not(None))
        .order_by(landings.c.id)
    )
    return _rows(town, query)


def _rows(town: Town, query: sa.Select[Any]) -> list[sa.Row[Any]]:
    database = Database(load(town.state).database_url)
    try:
        with database.read() as connection:
            return list(connection.execute(query))
    finally:
        database.close()
