"""`intakebot check REPO#N`: one look at one pull request by hand."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from intakebot.cli.local import check_local
from intakebot.cli.main import JSON, STATE, CouldNotTell, table
from intakebot.cli.opened import find_repo, open_house
from intakebot.core.asks import listed
from intakebot.core.comment import STATUS_OF
from intakebot.core.escape import visible
from intakebot.core.plan import STATUS
from intakebot.flow.house import House
from intakebot.flow.look import Report, consider, look
from intakebot.forges.api import Forge
from intakebot.model import (
    Decline,
    EditComment,
    Effect,
    OperatorError,
    PostComment,
    PostInline,
    Pull,
    PutReport,
    Repo,
    ResolveInline,
    SetReview,
    SetStatus,
    State,
    Turn,
    Verdict,
    VerdictState,
)
from intakebot.repo.git import GitFailed
from intakebot.store import work
from intakebot.store.tables import pulls
from intakebot.wiring import NoBell

MAY_MERGE = (State.READY, State.QUEUED, State.LANDED, State.MERGED)
_PLACE = re.compile(r"([^\s#]+)#([1-9][0-9]{0,8})")
_UNSEEN = 0  # no row has this id: a pull request that the database does not know


@click.command(epilog="Example: intakebot check site#7, or in a clone: intakebot check --local")
@click.argument("place", metavar="REPO#N", default="")
@click.option("--local", is_flag=True, help="What is checked out here, before it is pushed.")
@click.option("--target", metavar="REMOTE/BRANCH", default="", help="Of --local; else found.")
@click.option("--send", is_flag=True, help="Do what is due: write to the forge, ask for checks.")
@JSON
@STATE
@click.pass_context
def check(
    ctx: click.Context,
    place: str,
    local: bool,
    target: str,
    send: bool,
    as_json: bool,
    state: Path | None,
) -> None:
    """Say where a pull request stands, why, and what the bot would send.

    Nothing is changed without --send. With --local no house is needed: the rules judge what is
    checked out here, and the checks are left to the house. Exit code 0: it may be merged, or is
    (pushed, with --local); 1: it may not; 2: asked wrongly; 3: could not tell.
    """
    if local:
        if place or send:
            raise click.UsageError("--local is about what is checked out here, and sends nothing")
        ctx.exit(0 if check_local(target, as_json) else 1)
    if target:
        raise click.UsageError("--target is for --local alone")
    asked = _PLACE.fullmatch(place)
    if asked is None:
        raise click.UsageError(f"'{place}' names no pull request; write it like site#7")
    try:
        house = open_house(state, None if send else NoBell())
        try:
            report, sent = _report(house, asked[1], int(asked[2]), send)
        finally:
            house.database.close()
    except (OperatorError, GitFailed) as error:
        raise CouldNotTell(str(error)) from error  # 1 would say that it may not merge
    click.echo(_as_json(report, sent) if as_json else _as_page(report, sent))
    ctx.exit(0 if report.judgement.standing.state in MAY_MERGE else 1)


def _report(
    house: House, name: str, number: int, send: bool
) -> tuple[Report, Sequence[Effect] | None]:
    """How it stands, and what was sent; None when nothing was to be sent."""
    forge, repo = find_repo(house, name)
    pull = _pull(forge, repo, number)
    before = consider(house, _row(house, repo, number), pull)
    if not send:
        return before, None
    look(house, _nudged(house, repo, number))
    after = consider(house, _row(house, repo, number), _pull(forge, repo, number))
    if after.effects:
        raise CouldNotTell(
            f"{name}#{number}: not everything could be sent now ({_words(after.effects)} is left);"
            " the clock tries again while the house is up, or run this again"
        )
    return after, before.effects


# --- which pull request ---------------------------------------------------------------


def _pull(forge: Forge, repo: Repo, number: int) -> Pull:
    pull = forge.pull(repo.id, number)
    if pull is None:
        newest = max(forge.pulls_since(repo.id, "").numbers, default=0)
        hint = f"its newest is {repo.name}#{newest}" if newest else "it has none yet"
        raise click.UsageError(f"{repo.name} has no pull request {number}; {hint}")
    return pull


def _row(house: House, repo: Repo, number: int) -> work.PullRow:
    """Our row as it is; a stand-in for one that was never written."""
    with house.database.read() as connection:
        found = work.find_pull(connection, repo, number)
    unseen = work.RepoRow(_UNSEEN, repo.forge, repo.id, repo.name, "", "")
    return found or work.PullRow(_UNSEEN, unseen, number, failures=0)


def _nudged(house: House, repo: Repo, number: int) -> int:
    """Our row, made when it is new, and due."""
    now = house.now()
    with house.database.write() as connection:
        repo_id = work.know_repo(connection, repo)
        pull_id = work.pull_row(connection, repo_id, number, now)
        work.nudge(connection, pulls, pull_id, now)
    return pull_id


# --- what is printed ------------------------------------------------------------------


def _as_page(report: Report, sent: Sequence[Effect] | None) -> str:
    judged = report.judgement
    pull, standing = judged.pull, judged.standing
    turn = STATUS_OF[standing.turn]
    if standing.turn is Turn.AUTHOR:
        turn = f"{pull.author.login}'s turn"
    name = f"{pull.repo.name}#{pull.number}"
    rows = table([_verdict(verdict) for verdict in judged.verdicts])
    parts = (
        f"{name}  {visible(pull.title, 80)}  {standing.state.value}, {visible(turn)}",
        visible(standing.why),
        "",
        "\n".join(f"  {line}" for line in rows.splitlines()),
        "",
        _sending(report.effects, sent),
    )
    return "\n".join(parts)


def _verdict(verdict: Verdict) -> tuple[str, str, str]:
    match verdict.state:
        case VerdictState.SATISFIED:
            return "ok", verdict.rule, ""
        case VerdictState.UNSATISFIED:
            return verdict.level.value, verdict.rule, visible(", ".join(verdict.offenders), 200)
        case VerdictState.BROKEN:
            return "broken", verdict.rule, visible(verdict.problem, 200)
        case _:
            return verdict.state.value, verdict.rule, ""


def _sending(effects: Sequence[Effect], sent: Sequence[Effect] | None) -> str:
    if sent is not None:
        return f"Sent: {_words(sent)}." if sent else "Nothing was to be sent: all is said already."
    if not effects:
        return "Nothing would be sent: all is said already."
    return f"Would {_words(effects)}.\nNothing was sent; add --send to do it."


def _words(effects: Sequence[Effect]) -> str:
    counts = Counter(_word(effect) for effect in effects)
    return listed((f"{what} ({n} times)" if n > 1 else what for what, n in counts.items()), "and")


def _word(effect: Effect) -> str:
    match effect:
        case PostComment(key, _) | EditComment(key, _, _):
            verb = "post" if isinstance(effect, PostComment) else "edit"
            return f"{verb} {'the status comment' if key == STATUS else 'an answer'}"
        case PostInline():
            return "comment on a line"
        case ResolveInline():
            return "resolve a comment on a line"
        case SetStatus(head, status):
            return f"set commit {head[:7]} to {status.state}"
        case SetReview(_, state):
            return f"review it: {state.replace('_', ' ')}" if state else "take the review back"
        case PutReport(head, _):
            return f"put a report beside commit {head[:7]}"
        case Decline():
            return "close the pull request"


def _as_json(report: Report, sent: Sequence[Effect] | None) -> str:
    judged = report.judgement
    data = {
        "pull": f"{judged.pull.repo.name}#{judged.pull.number}",
        "url": judged.pull.url,
        "title": judged.pull.title,
        "author": judged.pull.author.login,
        "head": judged.pull.head,
        "state": judged.standing.state.value,
        "turn": judged.standing.turn.value,
        "why": judged.standing.why,
        "may_merge": judged.standing.state in MAY_MERGE,
        "rules": [_rule(verdict) for verdict in judged.verdicts],
        "effects": list(_effects(report.effects if sent is None else sent)),
        "sent": sent is not None,
    }
    return json.dumps(data, indent=2)


def _rule(verdict: Verdict) -> dict[str, object]:
    return {
        "rule": verdict.rule,
        "level": verdict.level.value,
        "state": verdict.state.value,
        "offenders": list(verdict.offenders),
        "problem": verdict.problem,
    }


def _effects(effects: Sequence[Effect]) -> Iterator[dict[str, object]]:
    for effect in effects:
        yield {"kind": type(effect).__name__, **asdict(effect)}
