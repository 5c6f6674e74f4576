"""Who is asking: a signed session or Basic auth, and what the roster says of them now."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from threading import BoundedSemaphore
from typing import ParamSpec, TypeVar

from flask import abort, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import TooManyRequests, Unauthorized

from intakebot.core.roster import may_see_all, may_see_code
from intakebot.model import Account, Group, Person, TryLater
from intakebot.store import people
from intakebot.store.listing import Scope
from intakebot.web.front import front

P = ParamSpec("P")
T = TypeVar("T")
REALM = WWWAuthenticate("basic", {"realm": "intakebot", "charset": "UTF-8"})
# Logins and tokens go into a header of the forge; nothing longer or stranger is worth asking.
PLAIN = re.compile(r"[\x21-\x7e]{1,200}")
# A forge that hangs may hold this many threads; the others stay free for deliveries.
_ASKING = BoundedSemaphore(4)


@dataclass(frozen=True, slots=True)
class Visitor:
    forge: str
    person: Person

    @property
    def sees_all(self) -> bool:
        return may_see_all(self.person)

    @property
    def sees_code(self) -> bool:
        return may_see_code(self.person)

    @property
    def agency(self) -> str:
        return self.person.agency if self.person.group is Group.AGENCY else ""

    @property
    def scope(self) -> Scope:
        """The team sees everything, an agency its own pull requests, others theirs alone."""
        if self.sees_all:
            return Scope()
        if self.agency:
            return Scope(agency=self.agency)
        return Scope(self.forge, self.person.id)


@contextmanager
def asking_forge() -> Iterator[None]:
    """Around every call to a forge; TryLater when too many requests wait for one already."""
    if not _ASKING.acquire(timeout=2):
        raise TryLater("too many requests wait for the forge")
    try:
        yield
    finally:
        _ASKING.release()


# --- the session ----------------------------------------------------------------------


def start_session(forge: str, account: Account) -> None:
    session.clear()
    session.permanent = True
    session.update(forge=forge, id=account.id, login=account.login, name=account.name)


def in_session() -> Visitor | None:
    """The roster is asked at every request, so that it can also take away."""
    if "visitor" not in g:
        kept = session.get("forge") in front().house.forges
        account = Account(session["id"], session["login"], session["name"]) if kept else None
        g.visitor = _known(session["forge"], account) if account else None
    found: Visitor | None = g.visitor
    return found


def _known(forge: str, account: Account) -> Visitor:
    house = front().house
    with house.database.read() as connection:
        return Visitor(forge, people.who(connection, forge, account, house.now()))


def csrf_token() -> str:
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(24)
    token: str = session["csrf"]
    return token


def refuse_forged_forms() -> None:
    """400 unless the form was made for this very session."""
    given = request.form.get("csrf", "").encode("utf-8", "replace")
    if not hmac.compare_digest(given, csrf_token().encode()):
        abort(400, "This form is out of date; go back, reload the page and send it again.")


def signed_in(
    page: Callable[P, ResponseReturnValue],
) -> Callable[P, ResponseReturnValue]:
    """For pages: everybody else is led to the sign-in and back."""

    @wraps(page)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if in_session() is None:
            place = request.full_path.rstrip("?") if request.method == "GET" else "/"
            return redirect(url_for("sign_in.ask", next=place))
        return page(*args, **kwargs)

    return guarded


# --- Basic auth -----------------------------------------------------------------------


def calling() -> Visitor:
    """Who calls the API: Basic auth, or for reading also the session of the pages."""
    if request.authorization is None and request.method == "GET":
        found = in_session()
        if found is not None:
            return found
    given = request.authorization
    if given is None or given.type != "basic":
        raise Unauthorized(
            "Use HTTP Basic auth: your login and your forge token.", www_authenticate=REALM
        )
    forge, login = _place(given.username or "")
    account = prove(forge, login, given.password or "")
    if account is None:
        raise Unauthorized("The login or the token is wrong.", www_authenticate=REALM)
    return _known(forge, account)


def _place(login: str) -> tuple[str, str]:
    """A login at the only forge; where there are several, it is written "forge/login"."""
    forges = list(front().house.forges)
    forge, slash, name = login.partition("/")
    if slash and forge in forges:
        return forge, name
    return (forges[0] if len(forges) == 1 else ""), login


def prove(forge: str, login: str, token: str) -> Account | None:
    """The account at the forge behind login and token; 429 after too many wrong ones."""
    refuse_guessing()
    known = front().house.forges.get(forge)
    account = None
    if known is not None and PLAIN.fullmatch(login) and PLAIN.fullmatch(token):
        with asking_forge():
            account = known.whoami(login, token)
    if account is None:
        front().attempts.failed(address())
    return account


def refuse_guessing() -> None:
    wait = front().attempts.wait(address())
    if wait:
        raise TooManyRequests(retry_after=wait)


def address() -> str:
    """The peer's, or as the trusted proxies report it."""
    return request.remote_addr or ""
