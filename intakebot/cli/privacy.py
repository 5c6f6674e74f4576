"""`intakebot people export` and `people erase`: what is held about somebody, and its end."""

from __future__ import annotations

import json
import secrets
from base64 import b32encode
from collections import Counter
from pathlib import Path

import click
import sqlalchemy as sa

from intakebot import wiring
from intakebot.cli.enrol import accounts, opened
from intakebot.cli.main import JSON, STATE
from intakebot.cli.member import member_called
from intakebot.cli.written import write_whole
from intakebot.core.erasure import Traces
from intakebot.core.escape import visible
from intakebot.core.rosterfile import BUILT_IN
from intakebot.model import OperatorError
from intakebot.settings import Settings
from intakebot.store import chain
from intakebot.store import people as roster
from intakebot.store import traces as places
from intakebot.store.erasure import erase as take_out

KEPT = (
    "Not touched: commits with their authors, what the forge itself keeps, and backups and logs"
    " that were made before."
)
# Tables in the words of people.
CALLED = {
    "pulls": "pull requests",
    "happenings": "pushes, comments and reviews",
    "words": "commands",
    "looks": "looks",
    "facts": "facts of looks",
    "receipts": "receipts",
    "landings": "landings",
    "entries": "places in a lane",
    "incidents": "incidents",
    "deliveries": "stored deliveries, emptied",
    "people": "the line on the roster",
    "accounts": "accounts",
    "decisions": "decisions",
    "remarks": "remarks",
}
ACCOUNT = click.option(
    "--account",
    metavar="FORGE ID",
    nargs=2,
    help="An account that is on no roster, by its id there, instead of a login.",
)


@click.command(epilog="Example: intakebot people export ada --out ada.json")
@click.argument("who", metavar="[LOGIN_OR_NAME]", required=False)
@ACCOUNT
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it there.")
@STATE
def export(
    who: str | None, account: tuple[str, str] | None, out: Path | None, state: Path | None
) -> None:
    """Everything that is held about one person, as JSON, for them to have.

    Rows that are about them are given whole; where other rows mention them, how many do.
    """
    with opened(state) as (_, database), database.read() as connection:
        found = _traces(connection, who, account)
        told = {
            "accounts_asked_for": sorted(list(one) for one in found.ids),
            "names": sorted(found.names),
            **places.export(connection, found),
        }
    text = json.dumps(told, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    if out is None:
        click.echo(text, nl=False)
        return
    write_whole(out, text)
    out.chmod(0o600)
    click.echo(f"{out}: all that is held about {visible(who or ':'.join(account or ()))}")


@click.command(epilog="Example: intakebot people erase ada --dry-run")
@click.argument("who", metavar="[LOGIN_OR_NAME]", required=False)
@ACCOUNT
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask; it can't be undone.")
@JSON
@STATE
def erase(
    who: str | None,
    account: tuple[str, str] | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    state: Path | None,
) -> None:
    """Take a person's accounts, logins and names out of everything that is held.

    A made-up name takes their place, so that every total and report stays what it was, and nobody
    can tell who it is. On the built-in forge their tokens stop working and their forks move. What
    the audit chain seals is rewritten in the open: the erasure is a link of its own.
    """
    with opened(state) as (settings, database):
        with database.read() as connection:
            found = _traces(connection, who, account)
            _refuse_unfinished(connection, found)
            _refuse_what_does_not_fit(connection)
        if not dry_run and not yes:
            click.confirm(
                f"Erase {visible(', '.join(sorted(found.names)))}? It can't be undone", abort=True
            )
        if not dry_run:
            _leave_the_forge(settings, found)
        with database.write() as connection:
            _refuse_unfinished(connection, found)
            changed = take_out(connection, found, wiring.now())
            if dry_run:
                connection.rollback()
    _say(found, changed, dry_run, as_json)


def _traces(connection: sa.Connection, who: str | None, account: tuple[str, str] | None) -> Traces:
    if (who is None) == (account is None):
        raise click.UsageError("say a login or a name of the roster, or --account FORGE ID")
    if account is not None:
        ids, names = {account}, set()
    else:
        member = member_called(roster.everybody(connection), who or "")
        ids = {(forge, id) for forge, id, _ in member.accounts}
        names = {member.name}
    names |= places.names_of(connection, ids)
    if not names:
        raise OperatorError(f"{' '.join(account or ())}: nothing is held about this account")
    made = b32encode(secrets.token_bytes(5)).decode().lower()
    common = places.branches(connection)
    return Traces(frozenset(ids), frozenset(names), f"erased-{made}", common)


def _refuse_unfinished(connection: sa.Connection, found: Traces) -> None:
    open_ = [
        f"{one.repo}#{one.number} {one.what}" for one in places.unfinished(connection, found.ids)
    ]
    if open_:
        raise OperatorError(
            f"not yet: {', '.join(open_)}; what goes on is read from the forge again, with the"
            " name, so close it or let it land first"
        )


def _refuse_what_does_not_fit(connection: sa.Connection) -> None:
    """Rewriting a sealed row that somebody had changed before would make the change look right."""
    fault = next(chain.faults(connection), None)
    if fault is not None:
        raise OperatorError(
            f"the audit chain does not fit ({fault.kind} {fault.row or ''}: {fault.what}), and an "
            "erasure would cover that up; `intakebot verify` has the evidence, keep it first"
        )


def _leave_the_forge(settings: Settings, found: Traces) -> None:
    """First, since the house is what still knows whose account it is."""
    there = set(accounts(settings).values())
    for forge, account in sorted(found.ids):
        if forge == BUILT_IN and account in there:
            wiring.built_in_forge(settings).forget_person(account, found.text)


def _say(found: Traces, changed: Counter[str], dry_run: bool, as_json: bool) -> None:
    if as_json:
        told = {"stand_in": found.stand_in, "dry_run": dry_run, "rows": dict(changed)}
        click.echo(json.dumps(told, indent=2, sort_keys=True))
        return
    click.echo("Would be rewritten:" if dry_run else f"Erased; what is left says {found.stand_in}:")
    for table, count in sorted(changed.items()):
        click.echo(f"  {count:>7,}  {CALLED.get(table, table)}")
    click.echo(KEPT)
    if dry_run:
        click.echo("Nothing was changed; leave out --dry-run to do it.")
