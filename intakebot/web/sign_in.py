"""Signing in: at the forge's own pages, by the login and token that work there, or by a one-time
link.
"""

from __future__ import annotations

import hmac
import re
import secrets

from flask import Blueprint, abort, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from intakebot.core.addresses import sign_in_back
from intakebot.forges.api import SignIn
from intakebot.model import Account
from intakebot.store import pages as store
from intakebot.store import sign_ins
from intakebot.web.front import front
from intakebot.web.shown import page
from intakebot.web.visitor import (
    address,
    asking_forge,
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
        return redirect(_next())
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
    return redirect(_next())


@sign_in.get("/sign-in/at/<forge>")
def at_forge(forge: str) -> ResponseReturnValue:
    """Off to the forge. The state is this browser's own, so nobody is signed in as another."""
    door = _door(forge)
    left = {"forge": forge, "state": secrets.token_urlsafe(24), "next": _next()}
    session["left"] = left
    return redirect(door.leave(left["state"], _back(forge)))


@sign_in.get("/sign-in/at/<forge>/back")
def back(forge: str) -> ResponseReturnValue:
    refuse_guessing()
    door = _door(forge)
    left = session.pop("left", {})
    state = request.args.get("state", "").encode("utf-8", "replace")
    if left.get("forge") != forge or not hmac.compare_digest(left["state"].encode(), state):
        front().attempts.failed(address())
        return _form("This sign-in was not begun here, or it is over. Please begin again."), 400
    if "error" in request.args:
        return _form(f"{door.title} has not told us who you are. You may have declined."), 401
    with asking_forge():
        account = door.account(request.args.get("code", ""), _back(forge))
    if account is None:
        front().attempts.failed(address())
        return _form(f"{door.title} does not know this sign-in. Please begin again."), 401
    start_session(forge, account)
    return redirect(left["next"])


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
        doors={forge: door.title for forge, door in front().house.sign_ins.items()},
        next=_next(),
        login=request.form.get("login", "")[:200],
    )


def _next() -> str:
    """Where somebody wanted to go."""
    place = request.values.get("next", "")
    return place if _INSIDE.fullmatch(place) else "/"


def _door(forge: str) -> SignIn:
    return front().house.sign_ins.get(forge) or abort(404)


def _back(forge: str) -> str:
    """What the forge has to have as the callback, so not as the browser happens to call us."""
    return sign_in_back(front().settings.public_url, forge)
