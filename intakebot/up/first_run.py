"""What has to be there before the house can start: folder, secrets, databases, a first person."""

from __future__ import annotations

import getpass
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from intakebot import settings as settings_file
from intakebot.model import Group, OperatorError, Role
from intakebot.settings import SECRETS, Settings
from intakebot.store import people, schema
from intakebot.store.database import Database
from intakebot.up.links import one_time_link
from intakebot.up.sample import NAME, serve_sample
from intakebot.wiring import BOT, BuiltInForge, built_in_forge, now


@dataclass(frozen=True, slots=True)
class Prepared:
    """`sign_in` is a one-time address; `trial` is set on the first run only."""

    settings: Settings
    sign_in: str
    backup: str
    trial: Path | None  # a credential file for the sample contributor


def prepare(state: Path, hook_url: str) -> Prepared:
    """Make or bring up to date everything under `state`. Safe to run again and to interrupt."""
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o700)
    found = settings_file.load(state)
    forge = built_in_forge(found)
    forge.migrate()
    found = _with_secrets(state, found, forge)
    forge.configure(git_url=found.git_url, page_url=found.public_url)
    forge.set_webhook(hook_url, found.webhook_secrets["git"][0])
    database = Database(found.database_url)
    try:
        first = schema.version(database) is None
        backup = schema.upgrade(database, now=now(), folder=state)
        owner = forge.add_person(_login())
        _put_on_roster(database, owner, _login(), _login(), Group.STAFF, "", Role.OWNER)
        trial = _first_people(database, forge, found) if first else None
        link = one_time_link(found, database, "git", owner)
    finally:
        database.close()
    return Prepared(found, link, backup or "", trial)


def _with_secrets(state: Path, found: Settings, forge: BuiltInForge) -> Settings:
    """Make what is missing; what the environment or the file gives stays."""
    made: dict[str, str] = {}
    if not found.webhook_secrets.get("git"):
        made["INTAKEBOT_SECRET_GIT"] = secrets.token_urlsafe(32)
    if not found.session_secret:
        made["SESSION_SECRET"] = secrets.token_urlsafe(32)
    for scope, token in found.tokens.items():
        if not token:
            made[f"GIT_{scope.upper()}_TOKEN"] = forge.new_token(BOT, scope)
    if not made:
        return found
    settings_file.keep_secrets(state, made)
    complete = settings_file.load(state)
    if not complete.session_secret:
        raise OperatorError(f"{state / SECRETS} could not be written; look at its permissions")
    return complete


def _login() -> str:
    """The operator's own login, when it can be one on the forge and names a person."""
    try:
        login = getpass.getuser().lower()
    except (KeyError, OSError):  # a user without a name, as in some containers
        return "owner"
    named = login != "root" and re.fullmatch(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?", login)
    return login if named else "owner"


def _put_on_roster(
    database: Database, account: str, login: str, name: str, group: Group, agency: str, role: Role
) -> None:
    with database.write() as connection:
        if people.linked(connection, "git", account) is None:
            person = people.add(connection, name=name, group=group, agency=agency, roles=[role])
            people.link(connection, person, "git", account, login)


def _first_people(database: Database, forge: BuiltInForge, found: Settings) -> Path:
    """The sample site, and somebody of an agency to try it as."""
    serve_sample(forge)
    forge.grant(NAME, _login(), "write")
    ada = forge.add_person("ada", "Ada Alder")
    _put_on_roster(database, ada, "ada", "Ada Alder", Group.AGENCY, "Alder", Role.CONTRIBUTOR)
    forge.grant(NAME, "ada", "read")
    credentials = found.state / "try-as-ada"
    scheme, _, rest = found.git_url.partition("://")
    descriptor = os.open(credentials, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(f"{scheme}://ada:{forge.new_token('ada')}@{rest}\n")
    return credentials
