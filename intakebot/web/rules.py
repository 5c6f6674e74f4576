"""The rules in force, and a draft tried on what was decided before it binds anybody."""

from __future__ import annotations

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from intakebot.core.backtest import Outcome, backtest, summary
from intakebot.core.draft import with_rule
from intakebot.core.roster import may_operate
from intakebot.core.rules import BadRule, rules_digest
from intakebot.settings import rule_files
from intakebot.store import history
from intakebot.web.front import front
from intakebot.web.pages import visiting
from intakebot.web.shown import page
from intakebot.web.visitor import refuse_forged_forms, signed_in

NEWEST = 2_000  # decisions that a draft is tried on here; the command line takes all
MOST_SHOWN = 100
LONGEST = 20_000  # characters of a draft

rules = Blueprint("rules", __name__)


@rules.get("/rules")
@signed_in
def in_force() -> ResponseReturnValue:
    _team_only()
    asked = request.args.get("rule", "")
    return _page(rule_files().get(f"{asked}.toml", ""))


@rules.post("/rules")
@signed_in
def tried() -> ResponseReturnValue:
    refuse_forged_forms()
    _team_only()
    if not may_operate(visiting().person):
        abort(403, "Owners and maintainers try rules.")
    draft = request.form.get("draft", "").replace("\r\n", "\n")[:LONGEST]
    now = front().house.rules
    try:
        then = with_rule(rule_files(), draft)
    except BadRule as error:
        return _page(draft, problem=str(error)), 400
    with front().house.database.read() as connection:
        past = history.decisions(connection, newest=NEWEST)
        return _page(draft, backtest(past, now, then, rules_digest(now)))


def _page(draft: str, outcome: Outcome | None = None, problem: str = "") -> str:
    return page(
        "rules.html",
        rules=front().house.rules,
        draft=draft,
        outcome=outcome,
        summary=summary(outcome) if outcome is not None and outcome.judged else "",
        problem=problem,
        may_try=may_operate(visiting().person),
        newest=NEWEST,
        most=MOST_SHOWN,
    )


def _team_only() -> None:
    if not visiting().sees_all:
        abort(404)
