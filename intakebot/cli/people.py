"""`intakebot people`: the roster, and the accounts on the built-in forge that go with it."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

import click

from intakebot import wiring
from intakebot.cli.enrol import Step, accounts, opened, planned, write
from intakebot.cli.main import JSON, STATE, table
from intakebot.cli.member import member_called
from intakebot.cli.privacy import erase, export
from intakebot.core.escape import visible
from intakebot.core.expression import did_you_mean
from intakebot.core.rosterfile import (
    BUILT_IN,
    BadRoster,
    day,
    read_entry,
    read_roster,
    role_list,
)
from intakebot.model import Group, OperatorError, Role
from intakebot.settings import Settings, dialect_files
from intakebot.store import people as roster
from intakebot.store.people import Member
from intakebot.up.links import one_time_link


@click.group()
def people() -> None:
    """The roster: who is who, and until when."""


@people.command(
    epilog="Example: intakebot people add ada --group agency --agency Pixel"
    " --role contributor --until 2027-01-01"
)
@click.argument("login")
@click.option("--name", default="", help="For people to read; else the login.")
@click.option(
    "--group", required=True, type=click.Choice([g.value for g in Group if g != "outsider"])
)
@click.option("--agency", default="", help="Its name; for group agency, and needed there.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice([role.value for role in Role]),
    help="May be given several times; left out, they have none.",
)
@click.option("--from", metavar="DATE", default="", help="First day it holds; else it always did.")
@click.option("--until", metavar="DATE", default="", help="First day it no longer holds.")
@click.option("--forge", default=BUILT_IN, show_default=True, help="Where the account is.")
@click.option("--account", metavar="ID", default="", help="Its id there; needed on other forges.")
@click.option("--new-token", is_flag=True, help="Make one more token for the account.")
@STATE
def add(new_token: bool, state: Path | None, **values: object) -> None:
    """Put LOGIN on the roster, or change what it says of them.

    What it says is replaced whole: a role that is left out is taken away; a name that is left
    out stays. On the built-in forge the account is made when it is missing, and its token is
    printed, this once. Days are UTC, written like 2026-12-31, and turn at 00:00.
    """
    if new_token and values["forge"] != BUILT_IN:
        raise click.UsageError("--new-token: only the built-in forge's tokens are made here")
    try:
        entry = read_entry(values, _forges())
    except BadRoster as error:
        raise click.UsageError(str(error)) from None
    with opened(state, make=True) as (settings, database):
        (step,) = write(settings, database, [entry])
        click.echo(_said(step))
        if new_token or step.is_new:
            _show_token(entry.login, wiring.built_in_forge(settings).new_token(entry.login))
            if step.is_new:
                level = "write" if entry.row.roles & {Role.OWNER, Role.MAINTAINER} else "read"
                needed = f"intakebot repo grant {entry.login} {level}"
                click.echo(f"No repository is open to them yet: {needed}", err=True)
        elif step.outcome == "added" and entry.forge == BUILT_IN:
            click.echo("The account was there already; --new-token makes another token for it.")


@people.command("import", epilog="Example: intakebot people import team.csv --tokens tokens.txt")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option(
    "--tokens",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write new tokens there, a login and a token a line, for you alone to read.",
)
@STATE
def import_(file: Path, dry_run: bool, tokens: Path | None, state: Path | None) -> None:
    """Put everybody in FILE on the roster: all of them, or, when anything is wrong, nobody.

    FILE is TOML with a [[person]] each, or CSV with a header: login, name, group, agency, roles,
    from, until, forge, account. Only login and group are needed; roles in CSV are parted by
    spaces. Each entry replaces what the roster says of that person, as `people add` does;
    people who are not in FILE stay as they are.
    """
    entries = read_roster(file.name, _text(file), _forges())
    with opened(state, make=not dry_run) as (settings, database):
        if dry_run:
            steps = planned(settings, database, entries)
            _summary(steps)
            click.echo("Nothing was changed; leave out --dry-run to do it.")
            return
        with _token_file(tokens) as out:
            steps = write(settings, database, entries)
            _summary(steps)
            for login in (step.entry.login for step in steps if step.is_new):
                _show_token(login, wiring.built_in_forge(settings).new_token(login), out)


@people.command(epilog="Example: intakebot people link ada git 7")
@click.argument("who", metavar="LOGIN_OR_NAME")
@click.argument("forge")
@click.argument("account", metavar="ACCOUNT_ID")
@click.option("--login", default="", help="What the account is called there, for people to read.")
@STATE
def link(who: str, forge: str, account: str, login: str, state: Path | None) -> None:
    """Say that an account on FORGE belongs to somebody who is on the roster already.

    An account belongs to one person: linking it again moves it.
    """
    if forge not in _forges():
        hint = did_you_mean(forge, _forges()) or f" Known: {', '.join(_forges())}."
        raise click.UsageError(f"there is no forge '{forge}'.{hint}")
    with opened(state) as (settings, database):
        if forge == BUILT_IN:
            login = _login_of(settings, account)
        with database.write() as connection:
            members = roster.everybody(connection)
            person = member_called(members, who)
            before = roster.linked(connection, forge, account)
            roster.link(connection, person.id, forge, account, login or account)
    said = f"{forge} account {account} ({login or account}) belongs to {person.name}"
    if before == person.id:
        click.echo(f"{visible(said)}, as before.")
    elif before is None:
        click.echo(f"{visible(said)} now.")
    else:
        owner = next(member.name for member in members if member.id == before)
        click.echo(f"{visible(said)} now; it was {visible(owner)}'s.")


@people.command("sign-in", epilog="Example: intakebot people sign-in grace")
@click.argument("who", metavar="LOGIN_OR_NAME")
@STATE
def sign_in(who: str, state: Path | None) -> None:
    """Print a link that signs somebody in to the pages, once, within half an hour.

    Give it to nobody else: whoever opens it is this person for the pages. It begins with
    PUBLIC_URL, or with this machine's address and PORT, which has to be the port that `up` has.
    """
    with opened(state) as (settings, database):
        with database.read() as connection:
            member = member_called(roster.everybody(connection), who)
        if not member.accounts:
            raise OperatorError(f"{who} has no account; give one: intakebot people link")
        forge, account, _ = member.accounts[0]
        click.echo(one_time_link(settings, database, forge, account))


@people.command("list", epilog="Example: intakebot people list --json")
@JSON
@STATE
def list_(as_json: bool, state: Path | None) -> None:
    """One line for each person on the roster."""
    with opened(state) as (_, database), database.read() as connection:
        members = roster.everybody(connection)
    if as_json:
        click.echo(json.dumps([_as_data(member) for member in members], indent=2))
    elif members:
        heads = ("LOGIN", "NAME", "GROUP", "AGENCY", "ROLES", "VALID")
        click.echo(table([heads, *(_cells(member, wiring.now()) for member in members)]))
    else:
        click.echo("Nobody is on the roster yet. Add somebody:")
        click.echo("  intakebot people add LOGIN --group staff --role maintainer")


people.add_command(export)
people.add_command(erase)


# --- in and out -----------------------------------------------------------------------


def _forges() -> list[str]:
    """Those whose webhooks are understood."""
    return [file.removesuffix(".toml") for file in dialect_files()]


def _login_of(settings: Settings, account: str) -> str:
    for login, id in accounts(settings).items():
        if id == account:
            return login
    raise OperatorError(
        f"the built-in forge has no account {account}; `intakebot people add` makes one"
    )


def _text(file: Path) -> str:
    """Without the mark that some spreadsheets write at the beginning."""
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{file}: cannot be read: {error}; save it as UTF-8") from error


@contextmanager
def _token_file(path: Path | None) -> Iterator[TextIO | None]:
    """A new file for its owner alone; gone again when it stayed empty or the work failed."""
    if path is None:
        yield None
        return
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        cure = "name a file that is not there yet"
        raise OperatorError(f"{path}: can't be made: {error.strerror}; {cure}") from error
    kept = False
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            yield out
            kept = out.tell() > 0
    finally:
        if not kept:
            path.unlink()


def _show_token(login: str, token: str, out: TextIO | None = None) -> None:
    if out is not None:
        out.write(f"{login} {token}\n")
        return
    click.echo(f"The token of {login}, their password for Git and the pages, shown this once:")
    click.echo(token)


def _summary(steps: Sequence[Step]) -> None:
    for step in steps:
        if step.outcome != "unchanged":
            click.echo(_said(step))
    counts = Counter(step.outcome for step in steps)
    click.echo(", ".join(f"{counts[word]} {word}" for word in ("added", "changed", "unchanged")))


def _said(step: Step) -> str:
    row = step.row
    what = "; ".join(step.changes)
    if step.outcome == "added":
        group = f"{row.group.value} {row.agency}".strip()
        what = f"{group}, {role_list(row.roles) or 'no role'}"
    return visible(f"{step.outcome} {step.entry.login}" + (f": {what}" if what else ""))


def _cells(member: Member, now: datetime) -> tuple[str, ...]:
    logins = (
        login if forge == BUILT_IN else f"{forge}:{login}" for forge, _, login in member.accounts
    )
    cells = (
        ", ".join(logins) or "-",
        member.name,
        member.group.value,
        member.agency or "-",
        role_list(member.roles) or "-",
        _validity(member, now),
    )
    return tuple(map(visible, cells))


def _validity(member: Member, now: datetime) -> str:
    begin, end = member.valid_from, member.valid_until
    if end and end <= now:
        return f"over since {day(end)}"
    parts = (f"from {day(begin)}" if begin else "", f"until {day(end)}" if end else "")
    return " ".join(filter(None, parts)) or "always"


def _as_data(member: Member) -> dict[str, object]:
    return {
        "name": member.name,
        "group": member.group.value,
        "agency": member.agency,
        "roles": sorted(role.value for role in member.roles),
        "from": day(member.valid_from) or None,
        "until": day(member.valid_until) or None,
        "accounts": [
            {"forge": forge, "account": account, "login": login}
            for forge, account, login in member.accounts
        ],
    }
