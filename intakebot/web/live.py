"""Whether a page that somebody has open shows what is true now. Pages work without it."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from flask import Blueprint, Response, abort, jsonify, request, url_for

from intakebot.store import listing, version
from intakebot.store.listing import PullLine
from intakebot.web.front import front
from intakebot.web.visitor import calling

live = Blueprint("live", __name__)


@live.get("/live")
def of_house() -> Response:
    calling()
    with front().house.database.read() as connection:
        return jsonify(version=_told(*version.of_house(connection)))


@live.get("/live/<path:repo>/<int(max=2147483647):number>")
def of_pull(repo: str, number: int) -> Response:
    visitor = calling()
    with front().house.database.read() as connection:
        line = listing.find_pull(connection, visitor.scope, repo, number)
        if line is None:
            abort(404)
        return jsonify(version=_told(*version.of_pull(connection, line.id)))


def watch_house(connection: sa.Connection) -> dict[str, str]:
    """For a list: where to ask, and what holds for what it shows in this transaction."""
    return _marks(url_for("live.of_house"), version.of_house(connection))


def watch_pull(line: PullLine, seen: tuple[object, ...]) -> dict[str, str]:
    """`seen` is the version of what the page shows."""
    place = url_for("live.of_pull", repo=line.repo.name, number=line.number)
    return _marks(place, seen)


def _marks(place: str, seen: tuple[object, ...]) -> dict[str, str]:
    """An answer to a form is no page that could be asked for again."""
    return {"place": place, "version": _told(*seen)} if request.method == "GET" else {}


def _told(*values: object) -> str:
    """How much there is of anything is nobody's business: the secret makes it a mere mark."""
    secret = front().settings.session_secret
    return hashlib.sha256(repr((secret, *values)).encode()).hexdigest()[:16]
