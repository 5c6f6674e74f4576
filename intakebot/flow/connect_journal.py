"""What was changed at the forge, written down before it is changed: in `connections.changes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from intakebot.flow.connect_words import FORGE, Change
from intakebot.store import connections
from intakebot.store.connections import ConnectionRow
from intakebot.store.database import Database

_KEY = ("what", "kind", "pattern", "account")  # one entry for each of these at most


class Journal:
    """The changes of one connection, which must be there."""

    def __init__(self, database: Database, row: ConnectionRow) -> None:
        self.database = database
        self.row = row
        self.changes: list[Change] = list(row.changes)

    def intend(self, change: Change) -> None:
        """Before it is done; takes the place of an earlier entry about the same thing."""
        self._keep([*self._others(change), {**change, "done": False}])

    def done(self, change: Change, id: str) -> None:
        self._keep([*self._others(change), {**change, "id": id, "done": True}])

    def settle(self, changes: Sequence[Change]) -> None:
        if list(changes) != self.changes:
            self._keep(changes)

    def drop(self, change: Change) -> None:
        self._keep(self._others(change))

    def entry(self, change: Change) -> Change | None:
        """What is written down about the same thing."""
        others = self._others(change)
        return next((one for one in self.changes if one not in others), None)

    def put_back(self, change: Change, was: Change | None) -> None:
        """It came to nothing: as before `intend`."""
        self._keep([*self._others(change), *([was] if was else [])])

    def _others(self, change: Change) -> list[Change]:
        key = [change.get(name) for name in _KEY]
        return [one for one in self.changes if [one.get(name) for name in _KEY] != key]

    def _keep(self, changes: Sequence[Change]) -> None:
        self.changes = list(changes)
        values: dict[str, Any] = {"changes": self.changes}
        values |= {"hook_id": self._hook_id()}
        with self.database.write() as connection:
            connections.change(connection, self.row.id, **values)

    def _hook_id(self) -> str:
        hooks = (str(one["id"]) for one in self.changes if one["what"] == "hook")
        return next(hooks, "")


def find(database: Database, repo_id: str) -> ConnectionRow | None:
    with database.read() as connection:
        return connections.find(connection, FORGE, repo_id)


def known(database: Database) -> list[ConnectionRow]:
    with database.read() as connection:
        return connections.all_of(connection, FORGE)


def is_finished(row: ConnectionRow) -> bool:
    """Whether everything that was begun was seen done; a kill leaves the rest to the next run."""
    return bool(row.changes) and all(change["done"] for change in row.changes)


def settled(
    changes: Sequence[Change], observed: dict[tuple[str, str], tuple[str, Any]]
) -> list[Change]:
    """Entries whose change was done before a kill, though nobody wrote that down, as done.

    `observed` maps kind and pattern of each restriction to its id and whom it lets through.
    """
    found: list[Change] = []
    for one in changes:
        place = (str(one.get("kind")), str(one.get("pattern")))
        id, now = observed.get(place, ("", None))
        was_done = one["what"] == "restriction" and not one["done"] and now == one["after"]
        found.append({**one, "id": id, "done": True} if was_done else one)
    return found
