"""`intakebot verify`: whether the promises were kept, from what is there."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from intakebot.cli.main import JSON, STATE, CouldNotTell
from intakebot.cli.opened import open_house
from intakebot.flow.promises import Kept
from intakebot.flow.promises import verify as promises
from intakebot.flow.promises.audit import Audit
from intakebot.model import OperatorError
from intakebot.repo.git import GitFailed
from intakebot.store import chain
from intakebot.store.chain import Tip
from intakebot.wiring import NoBell


class _TipType(click.ParamType[Tip]):
    name = "SEQ:HASH"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Tip:
        if isinstance(value, Tip):
            return value
        found = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64})", str(value))
        if found is None:
            self.fail(f"{value!r} is not a tip as `intakebot verify` prints it, 12:3f9c...")
        return Tip(int(found[1]), found[2])


@click.command(epilog="Example: intakebot verify --holds 231:9f86d081884c7d65...")
@click.option("--quiet", is_flag=True, help="Nothing is under way: what is unfinished is wrong.")
@click.option("--offline", is_flag=True, help="Ask no forge; what only they can tell is left out.")
@click.option("--holds", type=_TipType(), help="A tip that was printed before, and kept elsewhere.")
@JSON
@STATE
@click.pass_context
def verify(
    ctx: click.Context,
    quiet: bool,
    offline: bool,
    holds: Tip | None,
    as_json: bool,
    state: Path | None,
) -> None:
    """Look whether what intakebot promises was kept: in the database, the repositories, the forges.

    Changes nothing, and can be asked while the house is at work. Stops at the first promise that
    was broken and prints its evidence. Exit code 0: all were kept; 1: one was broken; 3: a forge
    or a repository could not be asked.
    """
    try:
        house = open_house(state, NoBell())
        try:
            found = _look(Audit(house, quiet, offline, holds), as_json)
            with house.database.read() as connection:
                tip = chain.tip(connection)
        finally:
            house.database.close()
    except (OperatorError, GitFailed) as error:
        raise CouldNotTell(str(error)) from error  # 1 would say that a promise was broken
    broken = found[-1].breach is not None
    click.echo(_data(found, tip) if as_json else _ending(found, tip))
    ctx.exit(1 if broken else 0)


def _look(audit: Audit, as_json: bool) -> Sequence[Kept]:
    """Up to the first that was broken."""
    found = []
    for kept in promises(audit):
        found.append(kept)
        if not as_json:
            click.echo(_line(kept))
        if kept.breach is not None:
            break
    return found


def _line(kept: Kept) -> str:
    line = f"{kept.id:<4} {'BROKEN' if kept.breach else 'kept':<7} {kept.looked_at:>7}  {kept.says}"
    if kept.breach is None:
        return line
    proof = (f"       {name}: {value}" for name, value in kept.breach.evidence.items())
    return "\n".join((line, f"     {kept.breach.what}", *proof))


def _ending(found: Sequence[Kept], tip: Tip) -> str:
    if found[-1].breach is not None:
        return "\nA promise was broken."
    return (
        f"\nAll {len(found)} promises that could be looked at were kept. The chain ends in\n{tip}\n"
        "Keep that elsewhere: --holds tells later whether the chain still goes through it."
    )


def _data(found: Sequence[Kept], tip: Tip) -> str:
    kept = all(one.breach is None for one in found)
    promised = [asdict(one) for one in found]
    return json.dumps({"ok": kept, "promises": promised, "chain": str(tip)}, indent=1, default=str)
