"""The reviewer's view: one private question, once a pull request is over."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from intakebot.store import listing
from intakebot.store import opinions as store
from intakebot.web.front import front
from intakebot.web.pages import PULL, visiting
from intakebot.web.question import SCORES, is_asked
from intakebot.web.visitor import refuse_forged_forms, signed_in

TAKEN_BACK = "0"

opinions = Blueprint("opinions", __name__)


@opinions.post(f"{PULL}/opinion")
@signed_in
def give(repo: str, number: int) -> ResponseReturnValue:
    refuse_forged_forms()
    visitor, house = visiting(), front().house
    said = request.form.get("score", "")
    with house.database.write() as connection:
        line = listing.find_pull(connection, visitor.scope, repo, number)
        if line is None or not is_asked(connection, visitor, line, house.now()):
            abort(404)
        if said == TAKEN_BACK:
            store.take_back(connection, line.id, visitor.person.id)
        elif said in SCORES:
            store.give(connection, line.id, visitor.person.id, int(said), house.now())
        else:
            abort(400, "Choose one of the answers.")
    return redirect(url_for("pages.pull", repo=repo, number=number, _anchor="opinion"))
