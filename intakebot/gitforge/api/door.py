"""Who is asking, and what they may do with what they ask for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from flask import current_app, g, request

from intakebot.gitforge import people, pulls, repositories
from intakebot.gitforge.api.body import ApiError, identifier, not_found
from intakebot.gitforge.bridge import authenticated
from intakebot.gitforge.layout import Layout
from intakebot.gitforge.people import BOT, Caller, Level
from intakebot.gitforge.pulls import Pull
from intakebot.gitforge.repositories import Repo
from intakebot.gitforge.store import connected, writing


@dataclass(frozen=True)
class Visit:
    """One authenticated request."""

    db: sqlite3.Connection
    layout: Layout
    caller: Caller

    @property
    def is_bot(self) -> bool:
        return self.caller.scope == "bot"

    def level(self, main: Repo) -> Level:
        return people.level(self.db, self.caller, main.main_id)

    def repo(self, repo_id: str) -> Repo:
        """Whoever reads the main repository reads its forks: they are where reviews look."""
        found = repositories.by_id(self.db, identifier(repo_id))
        if found is None or self.level(found) == "none":
            raise not_found()
        return found

    def main(self, repo_id: str) -> Repo:
        found = self.repo(repo_id)
        if not found.is_main:
            raise not_found()
        return found

    def pull(self, main: Repo, number: str) -> Pull:
        found = pulls.by_number(self.db, main, identifier(number))
        if found is None:
            raise not_found()
        return found

    def may_speak(self) -> None:
        """The tokens for landing and for the pages only read here."""
        if self.caller.scope not in ("person", "bot"):
            raise ApiError(403, f"A token of scope {self.caller.scope} only reads here.")

    @contextmanager
    def writing(self) -> Iterator[None]:
        with writing(self.db):
            yield


def open_visit() -> None:
    """Before each request of the API."""
    layout: Layout = current_app.config["LAYOUT"]
    g.connection = connected(layout)
    db = g.connection.__enter__()
    caller = authenticated(db, request.headers.get("Authorization", ""))
    if caller is None:
        raise ApiError(401, "Unknown login or token. The token is the password.")
    g.visit = Visit(db, layout, _acting(db, caller))


def close_visit(_error: BaseException | None) -> None:
    connection = g.pop("connection", None)
    if connection is not None:
        connection.__exit__(None, None, None)


def visit() -> Visit:
    return cast(Visit, g.visit)


def _acting(db: sqlite3.Connection, caller: Caller) -> Caller:
    """The pages act for whoever is signed in, with that person's rights."""
    wanted = request.headers.get("On-Behalf-Of")
    if wanted is None:
        return caller
    if caller.scope != "web":
        raise ApiError(403, "Only a token of scope web may act for somebody.")
    account = people.by_id(db, identifier(wanted))
    if account is None or account.login == BOT:
        raise ApiError(403, "On-Behalf-Of names nobody one can act for.")
    return Caller(account, "person")
