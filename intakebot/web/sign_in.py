"""Signing in: by a one-time link, or by the login and token that work at the forge."""

from __future__ import annotations

import re

from flask import Blueprint, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from intakebot.model import Account
from intakebot.store import pages as store
from intakebot.store import sign_ins
from intakebot.web.front import front
from intakebot.web.shown import page
from intakebot.web.visitor import (
    address,
    in_session,
    prove,
    refuse_forged_forms,
    refuse_guessing,
    start_session,
)

sign_in = Blueprint("sign_in", __name__)

# A path here and nothing else: not another host's, in any of the ways browsers read one.
_INSIDE = re.compile(r"/(?![/\\])[\x21-\x7e]{0,500}")


@sign_in.get("/sign-in")
def ask() -> ResponseReturnValue:
    if in_session() is not None:
        return redirect(_inside(request.args.get("next", "")))
    return _form()


@sign_in.post("/sign-in")
def by_token() -> ResponseReturnValue:
    refuse_forged_forms()
    forges = list(front().house.forges)
    forge = request.form.get("forge", "") if len(forges) > 1 else forges[0]
    account = prove(forge, request.form.get("login", "").strip(), request.form.get("token", ""))
    if account is None:
        return _form("The login or the token is wrong."), 401
    start_session(forge, account)
    return redirect(_inside(request.form.get("next", "")))


@sign_in.get("/sign-in/<token>")
def show_link(token: str) -> ResponseReturnValue:
    """Only a button: previews of links in chat and mail must not use them up."""
    return page("sign_in_link.html", token=token)


@sign_in.post("/sign-in/<token>")
def by_link(token: str) -> ResponseReturnValue:
    refuse_forged_forms()
    refuse_guessing()
    house = front().house
    with house.database.write() as connection:
        used = sign_ins.use(connection, token, house.now())
        login = store.login_of(connection, *used) if used else None
    if used is None:
        front().attempts.failed(address())
        return _form("This link was used already, or it is too old."), 401
    forge, account_id = used
    start_session(forge, Account(account_id, login or f"account {account_id}"))
    return redirect("/")


@sign_in.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    refuse_forged_forms()
    session.clear()
    return redirect(url_for("sign_in.ask"))


def _form(problem: str = "") -> str:
    return page(
        "sign_in.html",
        problem=problem,
        forges=list(front().house.forges),
        next=_inside(request.values.get("next", "")),
        login=request.form.get("login", "")[:200],
    )


def _inside(place: str) -> str:
    return place if _INSIDE.fullmatch(place) else "/"
