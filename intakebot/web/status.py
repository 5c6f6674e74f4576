"""How the house itself does: what is left of limits, and what its operator has to renew."""

from __future__ import annotations

from flask import Blueprint, abort
from flask.typing import ResponseReturnValue

from intakebot.core.roster import may_operate
from intakebot.web.front import front
from intakebot.web.pages import visiting
from intakebot.web.shown import page
from intakebot.web.visitor import signed_in

status = Blueprint("status", __name__)


@status.get("/status")
@signed_in
def house() -> ResponseReturnValue:
    if not may_operate(visiting().person):
        abort(403, "Owners and maintainers look after the house.")
    return page("status.html", checks=list(front().house.upkeep()))
