"""Values of the house as the JSON of the API (docs/api.md)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from intakebot.model import Command, Finding, Verdict
from intakebot.store.lanes import EntryRow
from intakebot.store.listing import PullLine
from intakebot.store.pages import Check, FirstVerdict
from intakebot.store.timeline import Moment
from intakebot.web.shown import iso
from intakebot.web.view import Remembered

if TYPE_CHECKING:
    from intakebot.report.build import Agency

Json = dict[str, Any]


def moment(at: datetime | None) -> str | None:
    return iso(at) if at else None


def pull_line(line: PullLine) -> Json:
    """A pull request in a list."""
    return {
        "repo": line.repo.name,
        "number": line.number,
        "title": line.title,
        "author": {"id": line.author_id, "login": line.author_login},
        "standing": standing(line),
        "head": line.head,
        "target": line.target,
        "open": line.open,
        "first_seen_at": moment(line.first_seen_at),
        "looked_at": moment(line.looked_at),
        "problem": line.problem,
    }


def standing(line: PullLine) -> Json | None:
    if line.state is None or line.turn is None:
        return None
    return {"state": line.state.value, "turn": line.turn.value, "why": line.why}


def pull(known: Remembered, checks: Sequence[Check] | None, *, with_problem: bool) -> Json:
    """A pull request, whole. `checks` is null while the head is not on this machine."""
    seen = known.evidence
    shape = pull_line(known.line)
    return {
        **shape,
        "problem": shape["problem"] if with_problem else "",
        "base": seen.base if seen else "",
        "judged": {"head": seen.head, "at": moment(seen.at), "rules_digest": seen.rules_digest}
        if seen
        else None,
        "verdicts": [verdict(one) for one in seen.verdicts] if seen else [],
        "findings": [finding(one) for one in seen.findings] if seen else [],
        "checks": None if checks is None else [check(one) for one in checks],
        "commands": [command(one) for one in known.commands],
        "receipts": [receipt(row) for row in known.receipts],
        "timeline": [happened(one) for one in known.moments],
        "queued": entry(known.entry, known.position) if known.entry else None,
        "landing": landing(known.landing) if known.landing is not None else None,
        "first_verdict": first_verdict(known.first_verdict),
    }


def happened(one: Moment) -> Json:
    """`by` is "" for the bot."""
    return {"at": moment(one.at), "by": one.by, "what": one.what, "head": one.head, "end": one.mark}


def verdict(one: Verdict) -> Json:
    return {
        "rule": one.rule,
        "digest": one.digest,
        "level": one.level.value,
        "state": one.state.value,
        "summary": one.summary,
        "offenders": list(one.offenders),
        "text": one.text,
        "fix": one.fix,
    }


def finding(one: Finding) -> Json:
    return {
        "path": one.path,
        "line": one.line,
        "level": one.level.value,
        "rule": one.rule,
        "message": one.message,
        "tool": one.tool,
        "column": one.column,
        "end_line": one.end_line,
    }


def check(one: Check) -> Json:
    return {
        "name": one.name,
        "state": one.state,
        "outcome": one.outcome or None,
        "summary": one.summary,
        "seconds": one.seconds,
        "asked_at": moment(one.asked_at),
        "ended_at": moment(one.ended_at),
    }


def command(one: Command) -> Json:
    return {
        "comment": one.comment,
        "name": one.name,
        "args": one.args,
        "by": {"id": one.by.id, "login": one.by.login},
        "head": one.head,
        "at": moment(one.at),
        "said": one.said.value,
        "answer": one.answer,
        "live": one.live,
    }


def receipt(row: sa.Row[Any]) -> Json:
    return {
        "kind": row.kind,
        "state": row.state,
        "head": row.head,
        "at": moment(row.at),
        "done_at": moment(row.done_at),
    }


def landing(row: sa.Row[Any]) -> Json:
    return {
        "number": row.number,
        "branch": row.branch,
        "head": row.head,
        "base": row.base,
        "commit": row.commit,
        "tree": row.tree,
        "checks": list(row.checks),  # ids of the runs that passed on this tree
        "rules_digest": row.rules_digest,
        "asked_by": {"id": row.asked_by, "login": row.asked_login},
        "landed_at": moment(row.landed_at),
        "deploy_branch": row.deploy_branch,
        "deployed_at": moment(row.deployed_at),
    }


def entry(row: EntryRow, position: int) -> Json:
    """`position` counts from 1, which lands next."""
    return {
        "position": position,
        "number": row.number,
        "head": row.head,
        "state": row.state,
        "why": row.why,
        "asked_by": {"id": row.asked_by, "login": row.asked_login},
        "asked_at": moment(row.asked_at),
    }


def incident(row: sa.Row[Any]) -> Json:
    return {
        "id": row.forge_key,
        "kind": row.kind,
        "repo": row.repo,
        "by": {"id": row.account_id, "login": row.login},
        "at": moment(row.at),
        "ref": row.ref,
        "detail": row.detail,
    }


def first_verdict(found: FirstVerdict | None) -> Json | None:
    if found is None:
        return None
    return {"head": found.head, "at": moment(found.at), "state": found.state}


def agency(one: Agency) -> Json:
    """In short; `GET /api/agencies/NAME` has every number."""
    last = one.decisions[-1] if one.decisions else None
    return {
        "name": one.name,
        "advice": one.numbers.verdict,
        "submissions": one.numbers.n,
        "first_pass": one.numbers.passes,
        "incidents": one.numbers.trespasses.total,
        "decision": last
        and {"verdict": last.verdict, "reason": last.reason, "by": last.by, "at": iso(last.at)},
    }
