"""A house with a past: agencies, their people, and pull requests over two years, made up.

The same each time for the same numbers. It is written straight into the tables, as a past of this
size would take days to live through.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from intakebot.core.rules import neutral_facts
from intakebot.model import Group, Role
from intakebot.store import people
from intakebot.store.database import Database
from intakebot.store.memory import digest
from intakebot.store.tables import (
    entries,
    facts,
    first_verdicts,
    happenings,
    incidents,
    landings,
    lanes,
    looks,
    pulls,
    receipts,
    repos,
)

PIECE = 1_000  # pull requests in one transaction
TITLES = ("Put up the spring banner", "Say when the shop is open", "Take the discount off")
SKILL = {"Alder": 0.88, "Birch": 0.35, "Cedar": 0.6, "Dogwood": 0.25}  # chance of a first pass
KINDS = ("checks-pass", "small-enough", "title-says-what")
_TURNS = {"needs review": "reviewer", "ready": "maintainer", "needs changes": "author"}
Rows = dict[sa.Table, list[dict[str, Any]]]


@dataclass
class Past:
    """`receipts_each` are what the bot did to each pull request: most of a house's rows."""

    count: int
    until: datetime = datetime(2026, 11, 1, 12, tzinfo=UTC)
    days: int = 700
    receipts_each: int = 3
    repos: tuple[str, ...] = ("shop", "news", "club")
    chance: random.Random = field(default_factory=lambda: random.Random(11))  # noqa: S311
    ids: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    repo_ids: list[int] = field(default_factory=list)
    lane_ids: list[int] = field(default_factory=list)

    def live(self, database: Database) -> None:
        with database.write() as connection:
            self._people(connection)
            connection.execute(
                repos.insert(),
                [
                    {"forge": "git", "forge_id": f"{100 + n}", "name": name, "intake": "main"}
                    for n, name in enumerate(self.repos)
                ],
            )
            mine = sa.select(repos.c.id).where(repos.c.name.in_(self.repos)).order_by(repos.c.id)
            self.repo_ids = list(connection.scalars(mine))
            rows = [{"repo_id": repo, "branch": "main"} for repo in self.repo_ids]
            connection.execute(lanes.insert(), rows)
            known = sa.select(lanes.c.id).where(lanes.c.repo_id.in_(self.repo_ids))
            self.lane_ids = list(connection.scalars(known.order_by(lanes.c.id)))
        for start in range(0, self.count, PIECE):
            rows_of: Rows = defaultdict(list)
            for number in range(start + 1, min(start + PIECE, self.count) + 1):
                self._pull(rows_of, number)
            with database.write() as connection:
                for table in (pulls, facts, looks, first_verdicts, happenings, receipts):
                    connection.execute(table.insert(), rows_of[table])
                for table in (entries, landings, incidents):
                    if rows_of[table]:
                        connection.execute(table.insert(), rows_of[table])

    def _people(self, connection: sa.Connection) -> None:
        for agency in SKILL:
            for n in range(3):
                self._enlist(connection, f"{agency.lower()}{n}", Group.AGENCY, agency)
        self._enlist(connection, "olga", Group.STAFF, "", Role.OWNER)

    @staticmethod
    def _enlist(
        connection: sa.Connection, login: str, group: Group, agency: str, *roles: Role
    ) -> None:
        person = people.add(
            connection, name=login.capitalize(), group=group, agency=agency, roles=roles
        )
        people.link(connection, person, "git", login, login)

    def _pull(self, rows: Rows, number: int) -> None:
        agency = self.chance.choice([*SKILL, "Birch"])
        author = f"{agency.lower()}{self.chance.randrange(3)}"
        at = self.until - timedelta(days=self.days) * (1 - number / (self.count + 1))
        passes = self.chance.random() < SKILL[agency]
        rounds = 1 if passes else self.chance.randint(1, 3)
        place = number % len(self.repos)
        lines = self.chance.choice((12, 40, 150, 280, 700))
        state, is_open = self._ending(number)
        for turn in range(rounds):
            head = f"{number:032x}{turn:08x}"
            self._look(rows, number, agency, author, head, lines, at, passes or turn == rounds - 1)
            self._happening(rows, number, "push", author, at - timedelta(minutes=2), turn, head)
            if turn < rounds - 1:
                asked = at + timedelta(minutes=30)
                self._happening(rows, number, "comment", "olga", asked, 50 + turn, "", "asks")
            at += timedelta(hours=self.chance.randint(1, 30))
        rows[pulls].append(
            {
                **{"id": number, "repo_id": self.repo_ids[place], "number": number},
                **{"first_seen_at": at - timedelta(hours=30), "looked_at": at, "open": is_open},
                **{"state": state, "turn": _TURNS.get(state, "nobody")},
                **{"title": f"{TITLES[number % len(TITLES)]}, part {number}", "head": head},
                **{"author_id": author, "author_login": author, "target": "main"},
                "why": "Everything holds." if is_open else "Landed on main.",
            }
        )
        if state == "landed":
            self._landing(rows, number, place, author, head, at)
        self._receipts(rows, number, head, at)
        if self.chance.random() < 0.02 and agency == "Dogwood":
            self._incident(rows, number, place, author, at)

    def _ending(self, number: int) -> tuple[str, bool]:
        if number > self.count - max(3, self.count // 50):
            return self.chance.choice(("needs review", "needs changes", "ready")), True
        return ("closed", False) if self.chance.random() < 0.12 else ("landed", False)

    def _look(
        self,
        rows: Rows,
        number: int,
        agency: str,
        author: str,
        head: str,
        lines: int,
        at: datetime,
        is_green: bool,
    ) -> None:
        given = neutral_facts(
            number=number,
            author_agency=agency,
            author_group="agency",
            author_login=author,
            head=head,
            base="b" * 40,
            added_lines=lines,
            from_fork=self.chance.random() < 0.95,
            paths=[f"shop/part{number % 97}.py", *(["tests/test_it.py"] if number % 3 else [])],
        )
        body = asdict(given)
        name = digest(body)
        self.ids["look"] += 1
        wrong = [] if is_green else [self.chance.choice(KINDS)]
        judged = [
            {
                **{"rule": rule, "digest": "d", "level": "error", "summary": f"{rule} holds"},
                **{"state": "unsatisfied", "text": "", "fix": "", "problem": "", "grace": 0},
                "offenders": ["lint"] if rule == "checks-pass" else ["it"],
            }
            for rule in wrong
        ]
        state = "needs review" if is_green else "needs changes"
        rows[facts].append({"digest": name, "body": body})
        rows[looks].append(
            {
                **{"id": self.ids["look"], "pull_id": number, "at": at, "head": head},
                **{"base": "b" * 40, "facts_digest": name, "rules_digest": "", "state": state},
                **{"turn": "reviewer", "why": "", "verdicts": judged, "findings": [], "checks": []},
            }
        )
        rows[first_verdicts].append(
            {
                **{"pull_id": number, "head": head, "at": at, "state": state},
                "look_id": self.ids["look"],
            }
        )

    @staticmethod
    def _happening(
        rows: Rows,
        number: int,
        kind: str,
        who: str,
        at: datetime,
        seq: int,
        head: str,
        state: str = "",
    ) -> None:
        rows[happenings].append(
            {
                **{"pull_id": number, "kind": kind, "key": f"{kind}{seq}", "account_id": who},
                **{"at": at, "seq": seq, "head": head, "digest": "", "state": state},
            }
        )

    def _landing(
        self, rows: Rows, number: int, place: int, author: str, head: str, at: datetime
    ) -> None:
        repo, lane = self.repo_ids[place], self.lane_ids[place]
        rows[entries].append(
            {
                **{"id": number, "lane_id": lane, "pull_id": number, "number": number},
                **{"head": head, "asked_by": "olga", "asked_login": "olga", "asked_at": at},
                **{"state": "landed", "added_at": at},
            }
        )
        rows[landings].append(
            {
                **{"entry_id": number, "repo_id": repo, "pull_id": number, "number": number},
                **{"branch": "main", "head": head, "base": "b" * 40, "commit": f"{number:040x}"},
                **{"tree": "e" * 40, "checks": [], "facts_digest": "", "rules_digest": ""},
                **{"author_id": author, "asked_by": "olga", "asked_login": "olga", "fence": 1},
                **{"intended_at": at, "landed_at": at, "deploy_branch": "main"},
            }
        )

    def _receipts(self, rows: Rows, number: int, head: str, at: datetime) -> None:
        for n in range(self.receipts_each):
            rows[receipts].append(
                {
                    **{"pull_id": number, "key": f"k{n}", "kind": "PostComment", "state": "done"},
                    **{"head": head, "rules_digest": "", "detail": {}, "at": at, "done_at": at},
                }
            )

    def _incident(self, rows: Rows, number: int, place: int, author: str, at: datetime) -> None:
        rows[incidents].append(
            {
                **{"repo_id": self.repo_ids[place], "forge_key": f"push-{number}"},
                **{"kind": "direct-push", "account_id": author, "login": author},
                **{"ref": "refs/heads/main", "detail": "1 commit", "at": at},
            }
        )
