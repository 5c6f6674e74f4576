"""Bring one pull request to where it should be. Safe to repeat, and to kill at any step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from intakebot import log
from intakebot.core import comment
from intakebot.core.checking import Task, told
from intakebot.core.marks import resolve
from intakebot.core.plan import STATUS, closing_time, plan, seen_look
from intakebot.crash import crashpoint
from intakebot.flow import outbox
from intakebot.flow.house import PATIENCE, House, Lease, keep, until_met
from intakebot.flow.judge import Judgement, judgement
from intakebot.flow.said import Said, remember_said
from intakebot.flow.tasks import tasks_of
from intakebot.forges.api import Ability
from intakebot.model import (
    OVER,
    Change,
    Effect,
    Look,
    OperatorError,
    Outcome,
    Pull,
    PullState,
    State,
    TryLater,
)
from intakebot.repo.git import GitFailed
from intakebot.store import evidence, lanes, memory, receipts, runs, work
from intakebot.store import marks as marks_table
from intakebot.store import words as words_table
from intakebot.store.tables import lanes as lanes_table
from intakebot.store.tables import pulls

MOST_ROUNDS = 10  # looks in a row at one pull request; then others get their turn
LONGEST_WAIT = timedelta(minutes=10)  # between tries at something that keeps failing


@dataclass(frozen=True, slots=True)
class Report:
    """What one look came to; `effects` are what it would send, or has sent."""

    judgement: Judgement
    effects: tuple[Effect, ...]
    look_at: datetime | None
    marks: Mapping[str, str]  # the bot's comments that are there: id -> key


def look(house: House, pull_id: int) -> None:
    """Look until `done` meets `wanted`. A failure is kept on the pull request and tried later."""
    met = until_met(
        house, pulls, pull_id, MOST_ROUNDS, lambda lease: _look_once(house, pull_id, lease)
    )
    if not met:
        house.bell.ring([f"look:{pull_id}"])


def _look_once(house: House, pull_id: int, lease: Lease) -> bool:
    crashpoint("look.after_lease")
    with house.database.read() as connection:
        wanted = work.wanted(connection, pulls, pull_id)
        row = work.pull(connection, pull_id)
    try:
        look_at, sent = _bring(house, row, lease)
    except (TryLater, OperatorError, GitFailed) as error:
        _later(house, row, lease, error)
        return False
    except Exception:
        log.bug("look failed", pull=f"{row.repo.name}#{row.number}")
        _later(house, row, lease, OperatorError("a fault in intakebot; the log has it"))
        return False
    crashpoint("look.before_done")
    with house.database.write() as connection:
        finished = work.finish(connection, pulls, pull_id, lease.fence, wanted, look_at)
        outbox.settle(house, connection, pull_id, sent)
    lease.over = finished
    return finished


def _later(house: House, row: work.PullRow, lease: Lease, error: Exception) -> None:
    after = error.after if isinstance(error, TryLater) else 5.0
    wait = min(timedelta(seconds=after) * 2 ** min(row.failures, 10), LONGEST_WAIT)
    log.warning("look put off", pull=f"{row.repo.name}#{row.number}", why=str(error))
    with house.database.write() as connection:
        until = house.now() + wait
        if work.postpone(connection, pulls, row.id, lease.fence, until, PATIENCE):
            work.describe_pull(connection, row.id, failures=row.failures + 1, problem=str(error))


def _bring(
    house: House, row: work.PullRow, lease: Lease
) -> tuple[datetime | None, outbox.Sent | None]:
    """Read, judge, remember, send. Returns when the answer can next change by itself, and the
    last effect, which is settled with the end of the look."""
    forge = house.forges[row.repo.forge]
    pull = forge.pull(row.repo.forge_id, row.number)
    if pull is None:  # deleted at the forge, or never there
        with house.database.write() as connection:
            work.describe_pull(connection, row.id, open=False, why=evidence.GONE)
        return None, None
    crashpoint("look.after_forge_read")
    report = consider(house, row, pull)
    if report.judgement.standing.state is State.BLOCKED_BY_US:
        why = report.judgement.standing.why
        log.warning("blocked by us", pull=f"{row.repo.name}#{row.number}", why=why)
    bells = _remember(house, row, report, lease)
    crashpoint("look.after_commit")
    house.bell.ring(bells)
    if lease.lost:
        raise TryLater("another worker has taken this pull request over")
    return report.look_at, outbox.send(house, forge, row.id, pull, report.effects)


def consider(house: House, row: work.PullRow, pull: Pull) -> Report:
    """Rooms 5 to 7: everything but writing it down and sending it (`intakebot check`).

    Raises TryLater while the forge shows less than what it was sent.
    """
    judged = judgement(house, row, pull)
    forge = house.forges[row.repo.forge]
    with house.database.read() as connection:
        said = remember_said(connection, row.id, pull.head, house.now(), forge.lag)
        known = marks_table.of_pull(connection, row.id)
    closing = closing_time(judged.facts, judged.verdicts, pull.created_at)
    wanted = _wanted(house, judged, closing, forge.abilities, said)
    bots = [one for one in pull.comments if one.by.id == forge.me().id]
    marks = resolve(bots, known, {*wanted.comments, *wanted.inline, *said.keys})
    report = wanted.report if wanted.report and said.has_put(pull, wanted.report) else None
    seen = seen_look(marks, pull.status, pull.state, pull.review, report)
    planned = plan(wanted, seen, marks, pull.head, judged.standing.why)
    effects = [effect for effect in planned if said.takes(pull, effect)]
    said.must_show(effects)
    waits = closing is not None and closing > house.now() and pull.state is PullState.OPEN
    ids = {mark.id: key for key, mark in marks.items()}
    return Report(judged, tuple(effects), closing if waits else None, ids)


def _wanted(
    house: House,
    judged: Judgement,
    closing: datetime | None,
    abilities: frozenset[Ability],
    said: Said,
) -> Look:
    facts, standing, pull = judged.facts, judged.standing, judged.pull
    late = closing is not None and closing <= house.now()
    closing_at = f"{closing:%Y-%m-%d %H:%M} UTC" if closing and not late else ""
    results = judged.checked.results
    failed = {
        check.name: results[check.digest].summary
        for check in judged.tasks.checks
        if check.digest in results and results[check.digest].outcome is not Outcome.PASSED
    }
    by_review = said.status_refused and Ability.REVIEW in abilities
    text = comment.status_comment(
        facts,
        standing,
        judged.verdicts,
        judged.findings,
        judged.asks,
        failed,
        closing_at,
        by_review=by_review,
    )
    over = standing.state in OVER
    can_report = Ability.REPORT in abilities and not said.report_refused
    shows_report = can_report and not over and bool(results) and not judged.waits
    return Look(
        comments={
            **comment.answers(judged.heard.all),
            **({} if over else comment.voided(judged.asks)),
            STATUS: text,
        },
        inline={} if over else said.without_refused(comment.inline_notes(judged.findings)),
        status=None if said.status_refused else comment.status_line(standing, facts.page_url),
        declined=(standing.state is State.REJECTED and late) or facts.landed_anew,
        review=comment.review_of(standing) if by_review and not over else pull.review,
        report=comment.report_of(facts, judged.findings) if shows_report else None,
        settled=over or (judged.reading.change is not None and not judged.waits),
    )


def _remember(house: House, row: work.PullRow, report: Report, lease: Lease) -> list[str]:
    """One transaction for all that this look decided; returns the bells to ring."""
    judged, now = report.judgement, house.now()
    bells: list[str] = []
    with house.database.write() as connection:
        keep(house, connection, pulls, row.id, lease)
        if row.repo.name != judged.pull.repo.name:  # new here, or renamed at the forge
            work.know_repo(connection, judged.pull.repo)
        words_table.keep(connection, row.id, judged.heard.decided, now)
        for gone in judged.heard.gone:
            words_table.withdraw(connection, row.id, gone.comment, gone.index)
        bot = house.forges[row.repo.forge].me().id
        memory.keep_happenings(connection, row.id, judged.pull, bot)
        memory.keep_look(
            connection,
            row.id,
            judged.facts,
            house.rules_digest,
            judged.standing,
            judged.verdicts,
            judged.findings,
            told(judged.tasks, judged.checked),
            now,
        )
        memory.keep_standing(connection, row.id, judged.pull, judged.standing, now)
        bells += _ask_for_runs(connection, row, judged, now)
        bells += _enter_lane(connection, row, judged, now)
        marks_table.keep(connection, row.id, report.marks)
        again = [outbox.effect_key(judged.pull, effect) for effect in report.effects]
        receipts.settle(connection, row.id, again, now)
        for first in report.effects[:1]:
            outbox.intend(house, connection, row.id, judged.pull, first)
        crashpoint("look.before_commit")
    return bells


def _ask_for_runs(
    connection: sa.Connection, row: work.PullRow, judged: Judgement, now: datetime
) -> list[str]:
    """Want the missing checks, drop what is no longer needed, and /recheck what was asked."""
    change = judged.reading.change
    if change is None:
        runs.want_only(connection, row.id, "look", [])
        return []
    wanted: list[int] = []
    bells: list[str] = []
    asked = list(judged.to_run)
    if any(one.name == "recheck" and one.said.value == "done" for one in judged.heard.decided):
        asked = _again(connection, judged, change)
        work.nudge(connection, pulls, row.id, now)  # to say that it is being checked again
        bells.append(f"look:{row.id}")
    for task in asked:
        run_id, bell = runs.ask(connection, row.repo.id, row.id, "look", task, now)
        wanted.append(run_id)
        bells += [bell] if bell else []
    runs.want_only(connection, row.id, "look", wanted)
    return bells


def _again(connection: sa.Connection, judged: Judgement, change: Change) -> list[Task]:
    """Every result that counted is forgotten, the target's and the merge result's too.

    What ran once may run again; what needs others is asked for when they have passed.
    """
    tasks, results = judged.tasks, judged.checked.results
    tree = change.result_tree or change.head_tree
    landing = tasks_of(judged.reading.git, tasks.checks, change.files, tree, None)
    for task in (*tasks.here.values(), *tasks.before.values(), *landing.here.values()):
        runs.again(connection, task)
    first = [check.digest for check in tasks.checks if check.digest in results and not check.needs]
    return list(dict.fromkeys((*judged.to_run, *(tasks.here[digest] for digest in first))))


def _enter_lane(
    connection: sa.Connection, row: work.PullRow, judged: Judgement, now: datetime
) -> list[str]:
    """A queued pull request has an entry in its lane, and a /deploy reaches its landing.

    The lane of an entry that is there already is rung too: it may have to drop it.
    """
    merge, pull = judged.asks.merge, judged.pull
    entry = lanes.entry_of(connection, row.id)
    due = {entry.lane_id} if entry is not None else set()
    if judged.standing.state is State.QUEUED and merge is not None:
        lane_id = work.lane_row(connection, row.repo.id, pull.target)
        lanes.enter(
            connection,
            lane_id,
            row.id,
            pull.number,
            pull.head,
            merge.by.id,
            merge.by.login,
            merge.at,
            now,
        )
        due.add(lane_id)
    if judged.asks.deploy is not None:
        landing = lanes.landing_of_pull(connection, row.id)
        if landing is not None and landing.deployed_at is None:
            lanes.change_landing(connection, landing.id, deploy_asked=True)
            due.add(work.lane_row(connection, row.repo.id, landing.branch))
    for lane_id in due:
        work.nudge(connection, lanes_table, lane_id, now)
    return [f"lane:{lane_id}" for lane_id in sorted(due)]
