"""Change a pull request's title, description, target or draft from its page."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from intakebot import log
from intakebot.model import ContributorError, OperatorError, TryLater, Wording
from intakebot.store import listing
from intakebot.web.front import front
from intakebot.web.pages import PULL, pull_page, visiting
from intakebot.web.view import Remembered, remember
from intakebot.web.visitor import asking_forge, refuse_forged_forms, signed_in

wording = Blueprint("wording", __name__)


@wording.post(f"{PULL}/wording")
@signed_in
def reword(repo: str, number: int) -> ResponseReturnValue:
    """The forge decides whether this person may; its refusal is shown on the page."""
    refuse_forged_forms()
    with front().house.database.read() as connection:
        line = listing.find_pull(connection, visiting().scope, repo, number)
        if line is None:
            abort(404)
        known = remember(connection, line)
    try:
        _send(known, asked())
    except ContributorError as error:
        return pull_page(known, problem=str(error)), 400
    except TryLater:
        problem = "The forge can't take the change right now; nothing was changed. Try again."
        return pull_page(known, problem=problem), 503
    return redirect(url_for("pages.pull", repo=repo, number=number))


def asked() -> Wording:
    return Wording(
        title=request.form.get("title", "").strip(),
        description=request.form.get("description", "").replace("\r\n", "\n").strip(),
        target=request.form.get("target", "").strip(),
        draft="draft" in request.form,
    )


def _send(known: Remembered, wish: Wording) -> None:
    line, visitor = known.line, visiting()
    forge = front().house.forges.get(line.repo.forge)
    if forge is None or visitor.forge != line.repo.forge:
        raise ContributorError("You are signed in at another forge than this pull request's.")
    with asking_forge():
        try:
            forge.reword(line.repo.id, line.number, visitor.person.id, wish)
        except OperatorError as error:
            log.warning("wording not changed", repo=line.repo.name, why=str(error))
            raise TryLater(str(error)) from error
