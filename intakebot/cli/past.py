"""`intakebot backfill REPO`: the past of a repository as its forge tells of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from intakebot.cli.main import CouldNotTell, house_at, table
from intakebot.cli.opened import find_repo, open_house
from intakebot.core.escape import visible
from intakebot.core.metrics.past import PastTotal
from intakebot.flow.backfill import Step, backfill
from intakebot.flow.house import House
from intakebot.model import Repo, TryLater

OFTEN = 25  # pull requests from one line of progress to the next
LONGEST = 300.0  # seconds of one wait, so that it is seen to be alive

HEAD = (
    *("AGENCY", "PEOPLE", "SINCE", "MERGED", "FROM A FORK", "CHANGES ASKED", "FIRST BUILDS GREEN"),
    *("TAKEN BACK", "PUSHES", "DAYS"),
)
KEY = (
    "MERGED, FROM A FORK, CHANGES ASKED: of all that are over. FIRST BUILDS GREEN: of those whose\n"
    "first commit other machines had built. TAKEN BACK: within 30 days, of those that are older.\n"
    "PUSHES, DAYS: the usual number (median). Nobody judged these by the rules here, so they are\n"
    "no part of any verdict."
)


def read_past(
    name: str,
    since: datetime | None,
    limit: int,
    state: Path | None,
    *,
    waits: bool,
    as_json: bool,
) -> None:
    """Read on from where the last run came to, and say what is known by then."""
    from intakebot.report.gather import past_totals  # what counts takes a second to load
    from intakebot.report.whose import Key

    key = Key(house_at(state).session_secret)
    house = open_house(state, bell=None)
    try:
        _, repo = find_repo(house, name)
        step = _read(house, repo, since, limit, waits=waits)
        with house.database.read() as connection:
            totals = past_totals(connection, key, repo)
    finally:
        house.database.close()
    click.echo(_as_json(repo, step, totals) if as_json else _as_page(repo, step, totals), nl=False)


def _read(house: House, repo: Repo, since: datetime | None, limit: int, *, waits: bool) -> Step:
    """Interrupted at any time it goes on there; so it may as well wait."""
    done = Step(0, 0, 0, 0)

    def tell(step: Step) -> None:
        nonlocal done
        done = Step(step.number, step.of, read + step.read, kept + step.kept)
        if done.read % OFTEN == 0:
            click.echo(
                f"{done.read} read, {done.kept} kept; at #{step.number} of {step.of}", err=True
            )

    while True:
        read, kept = done.read, done.kept
        try:
            backfill(house, repo, since, limit - read, tell)
            return done
        except TryLater as later:
            again = "run it again later; it goes on from there"
            if not waits:
                raise CouldNotTell(f"{later}; {done.read} were read; {again}") from later
            wait = min(later.after, LONGEST)
            click.echo(f"{later}; waiting {wait:.0f} s. Ctrl-C and {again}", err=True)
            house.stopping.wait(wait)


def _as_json(repo: Repo, step: Step, totals: Sequence[PastTotal]) -> str:
    told = {
        "repo": repo.name,
        "read": step.read,
        "kept": step.kept,
        "agencies": [{**asdict(one), "since": one.since.isoformat()} for one in totals],
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _as_page(repo: Repo, step: Step, totals: Sequence[PastTotal]) -> str:
    said = f"{visible(repo.name)}: {step.read} read, {step.kept} new ones kept."
    if not totals:
        return f"{said}\nNo pull request of a contributor that is over is known from before.\n"
    return f"{said}\n\n{table([HEAD, *map(_row, totals)])}\n\n{KEY}\n"


def _row(one: PastTotal) -> tuple[str, ...]:
    pairs = (one.merged, one.forks, one.asked, one.green, one.taken_back)
    return (
        *(visible(one.agency, 40), str(one.people), f"{one.since:%Y-%m-%d}"),
        *(f"{count} of {of}" if of else "-" for count, of in pairs),
        *(f"{one.usual_pushes:g}", f"{one.usual_days:.1f}"),
    )
