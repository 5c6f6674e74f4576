"""`intakebot doctor`: what is wrong with the house and its connections, and how to mend it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from intakebot import wiring
from intakebot.cli.connect_shown import show_checks
from intakebot.cli.main import JSON, STATE, house_at
from intakebot.flow.connect_journal import known
from intakebot.flow.connect_words import Check
from intakebot.flow.doctor import Exam, Machine, examine, version
from intakebot.flow.doctor_cloud import Cloud
from intakebot.model import TryLater
from intakebot.settings import Settings
from intakebot.store import schema
from intakebot.store.database import Database


@click.command(epilog="Example: intakebot doctor --json")
@JSON
@STATE
@click.pass_context
def doctor(ctx: click.Context, as_json: bool, state: Path | None) -> None:
    """Look at everything the gate needs: this machine, the house, and Bitbucket Cloud.

    Changes nothing. The webhook and the branch restrictions are looked at when an
    administrator's token is given, as for `connect`. Exit code 0: the gate works, though there
    may be warnings; 1: something stops it.
    """
    settings = house_at(state)
    database = Database(settings.database_url)
    found: list[Check] = []
    try:
        for check in examine(_exams(settings, database), _progress(as_json)):
            found.append(check)
            if not as_json:
                show_checks([check])
    finally:
        database.close()
    bad = any(check.state == "fail" for check in found)
    click.echo(_as_data(found) if as_json else _summary(found))
    ctx.exit(1 if bad else 0)


def _exams(settings: Settings, database: Database) -> Iterator[Exam]:
    """The forge's come last, and only where the database can be asked what is connected."""
    doors = wiring.sign_ins(settings, wiring.forges(settings, database))
    channel = wiring.channel(settings)
    machine = Machine(settings, database, lambda: wiring.try_sandbox(settings), doors, channel)
    yield from machine.exams()
    try:
        rows = known(database) if version(database) == schema.NEWEST else None
    except TryLater:
        rows = None  # said by the exam of the database
    if rows is not None:
        desk = wiring.bitbucket_desk(settings, database)
        yield from Cloud(desk).exams(rows)
        desk.calls.save()


def _progress(as_json: bool) -> Callable[[str], None]:
    """On standard error, so that standard output stays whole for a script."""

    def say(about: str) -> None:
        if not as_json:
            click.echo(f"{about} ...", err=True)

    return say


def _summary(found: Sequence[Check]) -> str:
    fails = sum(check.state == "fail" for check in found)
    warns = sum(check.state == "warn" for check in found)
    warned = f"{warns} warning{'' if warns == 1 else 's'}"
    if not fails:
        return f"\nThe gate can work ({warned})."
    things = "1 thing stops" if fails == 1 else f"{fails} things stop"
    return f"\n{things} the gate ({warned})."


def _as_data(found: Sequence[Check]) -> str:
    ok = all(check.state != "fail" for check in found)
    return json.dumps({"ok": ok, "checks": [asdict(check) for check in found]}, indent=2)
