"""What `connect` prints: for people, and for scripts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import click

from intakebot.cli.main import table
from intakebot.core.escape import visible
from intakebot.flow import follow
from intakebot.flow.connect import Plan, in_the_way
from intakebot.flow.connect_journal import is_finished, known
from intakebot.flow.connect_plan import in_words
from intakebot.flow.connect_words import Check, Desk
from intakebot.store.connections import ConnectionRow
from intakebot.store.follows import Follow

SIGNS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


@dataclass
class Ended:
    """How one repository came out. `fault` is "" when nothing went wrong."""

    name: str
    wanted: Plan | None = None
    changed: bool = False
    fault: str = ""


@dataclass
class Outcome:
    """`common` is what was looked at once for all; where `whole`, new repositories of
    `workspace`, or of its `project`, are followed, but for those `left_out`."""

    common: Sequence[Check]
    yes: bool
    whole: bool
    project: str
    workspace: str = ""
    left_out: list[str] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)

    @property
    def stopped(self) -> bool:
        return bool(in_the_way(self.common))

    @property
    def failed(self) -> list[Ended]:
        return [one for one in self.ended if one.fault]

    @property
    def place(self) -> str:
        return f"project {self.project} of {self.workspace}" if self.project else self.workspace


def show_checks(checks: Sequence[Check]) -> None:
    for check in checks:
        click.echo(f"  {SIGNS[check.state]}  {check.about}: {check.what}")
        if check.cure and check.state != "ok":
            click.echo(f"        {check.cure}")


def show_plan(wanted: Plan, yes: bool) -> None:
    click.echo(f"\n{wanted.repo.name}: {wanted.wish.intake} takes changes, ", nl=False)
    click.echo(f"{wanted.wish.deploy} is deployed")
    show_checks(wanted.checks)
    if wanted.stopped:
        return
    if wanted.is_done:
        click.echo("  It is connected already, and nothing is to be changed.")
    elif yes:
        click.echo("  Now:")
    else:
        click.echo("  It would:")
        for said in [in_words(step) for step in wanted.steps] or ["note how it is now"]:
            click.echo(f"  - {said}")


def conclude(outcome: Outcome, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_as_data(outcome), indent=2))
        return
    click.echo()
    changed = [one for one in outcome.ended if one.changed and not one.fault]
    for one in changed:
        click.echo(f"{one.name} is connected.")
    if outcome.whole:
        _conclude_whole(outcome)
    if not outcome.yes:
        waiting = outcome.whole or any(_waits(one) for one in outcome.ended)
        more = "; add --yes to do it" if waiting and not outcome.stopped else ""
        click.echo(f"Nothing was changed{more}.")
    elif not changed:
        wrong = outcome.stopped or outcome.failed
        click.echo("See above for what is in the way." if wrong else "Nothing was changed.")


def _waits(one: Ended) -> bool:
    return bool(one.wanted and not one.wanted.is_done and not one.fault)


def _conclude_whole(outcome: Outcome) -> None:
    if outcome.failed:
        click.echo(f"{len(outcome.failed)} of {len(outcome.ended)} could not be connected:")
        for one in outcome.failed:
            click.echo(f"  {one.name}: {one.fault}")
    for name in outcome.left_out:
        click.echo(f"{name} is left out, as it was disconnected; connect it by its name.")
    if outcome.stopped:
        return
    will = "are followed" if outcome.yes else "would be followed"
    click.echo(f"New repositories of {outcome.place} {will}: the house's clock connects them if it")
    click.echo("has the administrator's token, and else says that they are not behind the gate.")


def _as_data(outcome: Outcome) -> dict[str, object]:
    return {
        "checks": [asdict(check) for check in outcome.common],
        "yes": outcome.yes,
        "follows": outcome.whole and outcome.yes and not outcome.stopped,
        "left_out": outcome.left_out,
        "repositories": [_repository_data(one) for one in outcome.ended],
    }


def _repository_data(one: Ended) -> dict[str, object]:
    wanted = one.wanted
    return {
        "name": one.name,
        "id": wanted.repo.id if wanted else "",
        "intake": wanted.wish.intake if wanted else "",
        "deploy": wanted.wish.deploy if wanted else "",
        "checks": [asdict(check) for check in wanted.checks] if wanted else [],
        "steps": [in_words(step) for step in wanted.steps] if wanted else [],
        "changed": one.changed,
        "fault": one.fault,
    }


# --- --list ---------------------------------------------------------------------------


def show_list(desk: Desk, as_json: bool) -> None:
    rows, following = known(desk.database), follow.followed(desk)
    if as_json:
        data = {
            "connected": [_connected_data(row) for row in rows],
            "followed": [_followed_data(one) for one in following],
        }
        click.echo(json.dumps(data, indent=2))
        return
    if rows:
        lines = [(row.name, row.intake, row.deploy, _stands(row)) for row in rows]
        click.echo(table([("REPOSITORY", "INTAKE", "DEPLOY", "STANDS"), *lines]))
    else:
        click.echo("No repository is connected.")
    for one in following:
        left = ", ".join(visible(name, 120) for name in one.left_out.values())
        but = f", but for {left}" if left else ""
        click.echo(f"New repositories of {visible(one.place, 120)} are followed{but}.")


def _stands(row: ConnectionRow) -> str:
    return "connected" if is_finished(row) else "not finished"


def _connected_data(row: ConnectionRow) -> dict[str, object]:
    return {
        "name": row.name,
        "id": row.forge_id,
        "intake": row.intake,
        "deploy": row.deploy,
        "finished": is_finished(row),
        "connected_at": row.connected_at.isoformat(),
    }


def _followed_data(one: Follow) -> dict[str, object]:
    return {
        "workspace": one.workspace,
        "project": one.project,
        "left_out": sorted(one.left_out.values()),
        "looked_at": one.looked_at.isoformat() if one.looked_at else None,
        "problem": one.problem,
    }
