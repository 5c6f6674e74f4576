"""What the promises are checked against: what is remembered, and what forges and git say now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from intakebot.flow.house import House
from intakebot.flow.look import Report, consider
from intakebot.model import OperatorError, Pull, Repo
from intakebot.repo.mirror import Mirror
from intakebot.store import evidence, work
from intakebot.store.chain import Tip

LONG = timedelta(minutes=10)  # what has been under way for so long is no longer "under way"


@dataclass(frozen=True, slots=True)
class Breach:
    """`evidence` is what anybody needs to see it for themselves."""

    what: str
    evidence: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Fresh:
    """One pull request as it was remembered, and read and judged once more."""

    row: work.PullRow
    kept: sa.Row[Any]
    pull: Pull | None
    report: Report | None


@dataclass
class Audit:
    """`quiet`: nothing is under way, so whatever is unfinished is a breach. `offline` asks no
    forge. `known` is a tip of the chain that somebody kept."""

    house: House
    quiet: bool = False
    offline: bool = False
    known: Tip | None = None
    looked_at: int = 0
    _fresh: list[Fresh] | None = field(default=None, repr=False)
    _served: dict[int, Repo] = field(default_factory=dict, repr=False)

    def saw(self) -> None:
        self.looked_at += 1

    def rows(self, query: sa.Select[Any]) -> list[sa.Row[Any]]:
        with self.house.database.read() as connection:
            return list(connection.execute(query))

    def fresh(self) -> list[Fresh]:
        """Every pull request that is at rest, judged anew; read once for all promises."""
        if self._fresh is None:
            self._fresh = list(self._read())
        return self._fresh

    def repo(self, repo_id: int) -> Repo:
        """As its forge describes it now. Raises OperatorError when it shows none."""
        if repo_id not in self._served:
            with self.house.database.read() as connection:
                row = work.repo(connection, repo_id)
            found = [one for one in self.house.forges[row.forge].repos() if one.id == row.forge_id]
            if not found:
                raise OperatorError(f"{row.name}: the forge no longer shows it to the bot")
            self._served[repo_id] = found[0]
        return self._served[repo_id]

    def mirror(self, repo_id: int, commit: str) -> Mirror:
        """Our copy, with `commit` in it."""
        repo = self.repo(repo_id)
        mirror = self.house.mirror(repo)
        mirror.fetch(repo.clone_url, commit, "base")
        return mirror

    def _read(self) -> Iterator[Fresh]:
        for kept in self.rows(evidence.at_rest(open_only=not self.quiet)):
            with self.house.database.read() as connection:
                row = work.pull(connection, kept.id)
            if row.repo.forge not in self.house.forges:
                continue  # its token is not set here; doctor says so
            pull = self.house.forges[row.repo.forge].pull(row.repo.forge_id, row.number)
            report = consider(self.house, row, pull) if pull is not None else None
            now = self.rows(evidence.at_rest(only=kept.id))
            if now and now[0] == kept:  # nobody has touched it meanwhile
                yield Fresh(row, kept, pull, report)
