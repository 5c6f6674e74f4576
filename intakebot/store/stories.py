"""What was kept of each pull request, read in pieces and put together for reports."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic_core import from_json

from intakebot.core.metrics.code import has_tests, is_code
from intakebot.core.metrics.stories import Act, Story, Verdict
from intakebot.model import OVER, Group, Level, Outcome, State, VerdictState
from intakebot.store import counted
from intakebot.store.memory import INCOMPLETE
from intakebot.store.tables import (
    facts,
    first_verdicts,
    happenings,
    incidents,
    landings,
    looks,
    opinions,
    pulls,
    repos,
    runs,
    words,
)

PIECE = 500  # pull requests read at a time
TEST_FORMATS = ("junit", "tap")
NO_CONFLICT = '"conflict_files": []'  # as facts without one have been written from the first on
CHECKS = "checks-pass"  # the rule whose offenders are checks
_RED = (Level.REJECT.value, Level.ERROR.value)
_OVER = tuple(state.value for state in OVER)
_MERGED = (State.LANDED.value, State.MERGED.value)


def stories(
    connection: sa.Connection,
    url: Callable[[str, int], str],
    ids: Sequence[int],
) -> Iterator[Story]:
    """Those of these pull requests that can be told, in the order of their ids.

    `url` gives the address of a page from a repository's name and a number.
    """
    ordered = sorted(ids)
    for start in range(0, len(ordered), PIECE):
        yield from _piece(connection, url, ordered[start : start + PIECE])


def _piece(
    connection: sa.Connection,
    url: Callable[[str, int], str],
    ids: Sequence[int],
) -> Iterator[Story]:
    found = {"ids": ids}
    first = {row.pull_id: row for row in connection.execute(_FIRST, found)}
    judged = _by_pull(connection.execute(_JUDGED, found))
    acted = _by_pull(connection.execute(_ACTED, found))
    conflicting = _by_pull(connection.execute(_CONFLICTS, found))
    thought = _by_pull(connection.execute(_OPINIONS, found))
    ended = {row.pull_id: row.at for row in connection.execute(_ENDED, found)}
    spoken = {(row.pull_id, row.comment_id) for row in connection.execute(_COMMANDS, found)}
    for row in connection.execute(_PULLS, found):
        acts = tuple(_act(one, row.id, spoken) for one in acted.get(row.id, ()))
        story = _story(
            row, first.get(row.id), judged.get(row.id, ()), acts, url(row.repo, row.number)
        )
        if not row.open and row.landed_at is None and row.id in ended:
            story = replace(story, closed=ended[row.id])
        conflicts = tuple(one.at for one in conflicting.get(row.id, ()))
        scores = tuple(one.score for one in thought.get(row.id, ()))
        more = conflicts or scores
        yield replace(story, conflicts=conflicts, opinions=scores) if more else story


def as_of(connection: sa.Connection) -> datetime | None:
    """The newest moment that anything is known of."""
    moments = [
        connection.scalar(sa.select(sa.func.max(column)))
        for column in (looks.c.at, happenings.c.at, landings.c.landed_at, incidents.c.at)
    ]
    return max((one for one in moments if one is not None), default=None)


def trespasses(connection: sa.Connection) -> list[sa.Row[Any]]:
    """Incidents that somebody caused: forge, account_id, at, kind."""
    asked = (
        sa.select(repos.c.forge, incidents.c.account_id, incidents.c.at, incidents.c.kind)
        .join(repos, repos.c.id == incidents.c.repo_id)
        .where(incidents.c.account_id != "")
        .order_by(incidents.c.at, incidents.c.id)
    )
    return list(connection.execute(asked))


def checks_that_test(connection: sa.Connection) -> Collection[str]:
    """Digests of the checks that run tests: by the report they write, or by their name."""
    definition = sa.cast(runs.c.definition, sa.Text).label("definition")
    rows = connection.execute(sa.select(runs.c.digest, runs.c.name, definition).distinct())
    return {
        row.digest
        for row in rows
        if _read(row.definition).get("parse") in TEST_FORMATS or "test" in row.name.lower()
    }


def _of(column: sa.Column[int]) -> sa.ColumnElement[bool]:
    return column.in_(sa.bindparam("ids", expanding=True))


def _by_pull(rows: Iterable[sa.Row[Any]]) -> Mapping[int, list[sa.Row[Any]]]:
    found: dict[int, list[sa.Row[Any]]] = {}
    for row in rows:
        found.setdefault(row.pull_id, []).append(row)
    return found


def _pulls() -> sa.Select[Any]:
    landed = sa.and_(landings.c.pull_id == pulls.c.id, landings.c.landed_at.is_not(None))
    return (
        sa.select(
            *(pulls.c.id, pulls.c.number, pulls.c.author_id, pulls.c.first_seen_at),
            *(pulls.c.state, pulls.c.open, pulls.c.looked_at, pulls.c.title),
            *(repos.c.forge, repos.c.name.label("repo"), landings.c.landed_at, landings.c.commit),
        )
        .join(repos, repos.c.id == pulls.c.repo_id)
        .outerjoin(landings, landed)
        .where(_of(pulls.c.id), counted.can_be_told())
        .order_by(pulls.c.id)
    )


def _judged() -> sa.Select[Any]:
    return (
        sa.select(
            *(first_verdicts.c.pull_id, first_verdicts.c.head, first_verdicts.c.at),
            sa.cast(looks.c.verdicts, sa.Text).label("verdicts"),
        )
        .join(looks, looks.c.id == first_verdicts.c.look_id)
        .where(_of(first_verdicts.c.pull_id), _complete())
        .order_by(first_verdicts.c.pull_id, first_verdicts.c.look_id)
    )


def _first() -> sa.Select[Any]:
    """What the change itself was when it first had a complete verdict."""
    earliest = (
        sa.select(sa.func.min(first_verdicts.c.look_id))
        .where(_of(first_verdicts.c.pull_id), _complete())
        .group_by(first_verdicts.c.pull_id)
    )
    return (
        sa.select(
            looks.c.pull_id,
            *(
                sa.cast(column, sa.Text).label(column.name)
                for column in (looks.c.findings, looks.c.checks, facts.c.body)
            ),
        )
        .join(facts, facts.c.digest == looks.c.facts_digest)
        .where(looks.c.id.in_(earliest))
    )


def _conflicts() -> sa.Select[Any]:
    """When each head was first seen not to go together with its target."""
    body = sa.cast(facts.c.body, sa.Text)
    return (
        sa.select(looks.c.pull_id, looks.c.head, sa.func.min(looks.c.at).label("at"))
        .join(facts, facts.c.digest == looks.c.facts_digest)
        .where(_of(looks.c.pull_id), body.not_like(f"%{NO_CONFLICT}%"))
        .group_by(looks.c.pull_id, looks.c.head)
        .order_by(looks.c.pull_id, sa.func.min(looks.c.at))
    )


def _ended() -> sa.Select[Any]:
    """When each was first seen to be over, and has been since: what is said of it later, and makes
    somebody look again, is nobody's time."""
    later = looks.alias()
    came_back = (
        sa.select(later.c.id)
        .where(later.c.pull_id == looks.c.pull_id, later.c.id > looks.c.id)
        .where(later.c.state.not_in(_OVER))
    )
    return (
        sa.select(looks.c.pull_id, sa.func.min(looks.c.at).label("at"))
        .where(_of(looks.c.pull_id), looks.c.state.in_(_OVER), ~came_back.exists())
        .group_by(looks.c.pull_id)
    )


def _complete() -> sa.ColumnElement[bool]:
    return first_verdicts.c.state.not_in([state.value for state in INCOMPLETE])


# Built once: building a statement costs more than running it.
_PULLS, _JUDGED, _FIRST = _pulls(), _judged(), _first()
_CONFLICTS, _ENDED = _conflicts(), _ended()
_ACTED = (
    sa.select(happenings)
    .where(_of(happenings.c.pull_id))
    .order_by(
        *(happenings.c.pull_id, happenings.c.at, happenings.c.seq),
        *(happenings.c.kind, happenings.c.key),
    )
)
_OPINIONS = (
    sa.select(opinions.c.pull_id, opinions.c.score)
    .where(_of(opinions.c.pull_id))
    .order_by(opinions.c.pull_id, opinions.c.score)
)
_COMMANDS = sa.select(words.c.pull_id, words.c.comment_id).where(_of(words.c.pull_id))


def _act(row: sa.Row[Any], pull_id: int, spoken: Collection[tuple[int, str]]) -> Act:
    is_command = row.kind == "comment" and not row.state and (pull_id, row.key) in spoken
    return Act(row.kind, row.account_id, row.at, row.head, "command" if is_command else row.state)


def _story(
    row: sa.Row[Any],
    seen: sa.Row[Any] | None,
    judged: Iterable[sa.Row[Any]],
    acts: tuple[Act, ...],
    url: str,
) -> Story:
    body = _read(seen.body) if seen is not None else {}
    paths = body.get("paths", ())
    pushed = [act.at for act in acts if act.kind == "push"]
    merged = row.state in _MERGED or row.landed_at is not None
    return Story(
        forge=row.forge,
        repo=row.repo,
        number=row.number,
        url=url,
        author=row.author_id,
        then=(Group(body.get("author_group", "outsider")), body.get("author_agency", "")),
        opened=min([row.first_seen_at, *pushed[:1]]),
        state="merged" if merged else "open" if row.open else "declined",
        closed=row.landed_at or (None if row.open else row.looked_at),
        blocked=row.state == State.BLOCKED_BY_US.value,
        commit=row.commit or "",
        title=row.title,
        description=body.get("description", ""),
        lines=body.get("added_lines", 0),
        from_fork=body.get("from_fork", True),
        code=is_code(paths),
        tests=has_tests(paths),
        lint=sum(one["tool"] not in ("", *TEST_FORMATS) for one in _read(seen.findings))
        if seen
        else 0,
        silenced=len(body.get("suppressions", ())),
        failed=_failed(_read(seen.checks or "[]")) if seen else (),
        verdicts=tuple(_verdict(one) for one in judged),
        acts=acts,
        id=row.id,
    )


def _failed(checks: list[dict[str, str]] | None) -> tuple[str, ...]:
    failed = (one["digest"] for one in checks or () if one["outcome"] == Outcome.FAILED.value)
    return tuple(sorted(failed))


def _verdict(row: sa.Row[Any]) -> Verdict:
    kinds: set[str] = set()
    for one in _read(row.verdicts):
        if one["level"] in _RED and one["state"] == VerdictState.UNSATISFIED.value:
            named = [f"check {name}" for name in one["offenders"]] if one["rule"] == CHECKS else []
            kinds.update(named or [one["rule"]])
    return Verdict(row.head, row.at, frozenset(kinds))


def _read(text: str) -> Any:
    """The fast parser takes no half of a character pair, which the names of files may hold."""
    try:
        return from_json(text)
    except ValueError:
        return json.loads(text)
