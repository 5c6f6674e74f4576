"""What one pull request comes to in the numbers, and all of them together. Pure.

Of one that is over nothing changes by itself any more, so what it came to can be written down
(store/counted.py) and read again; what depends on the others and on today is added afterwards.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

from pydantic_core import from_json

from intakebot.core.metrics.reverts import TAKEN_BACK_WITHIN, Reverts
from intakebot.core.metrics.table import COLUMNS, Seen, Submission

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CELLS = attrgetter(*COLUMNS)  # of a submission
_SEQ, _REVERTED = COLUMNS.index("seq"), COLUMNS.index("reverted")
_SEEN = attrgetter(*Seen.__slots__[2:])  # of what was seen of it, but for `at` and `url`


@dataclass(frozen=True, slots=True)
class Counted:
    """One pull request. Either `row` is in the numbers, or `why` says why it is not.

    `row` is as if there were no others: its `seq`, `reverted` and `young` say nothing yet.
    `takes_back` are commits that its description says are reverted.
    """

    agency: str
    why: str
    repo: str
    number: int
    title: str
    commit: str  # that it landed as, else ""
    takes_back: Sequence[str]
    merged: bool
    closed: datetime | None
    row: Submission | None


@dataclass(frozen=True, slots=True)
class Told:
    """`excluded` counts what is no part of the numbers, by agency and reason."""

    rows: Sequence[Submission]
    excluded: Mapping[str, Counter[str]] = field(default_factory=dict)


def together(counted: Iterable[Counted], as_of: datetime) -> Told:
    """`seq` counts each agency's submissions in the order of their first verdict.

    `as_of` is the end of what was seen: what was merged lately before may still be taken back.
    """
    taken_back = Reverts()
    found: list[tuple[datetime, str, int, Counted, Submission]] = []
    left_out: list[tuple[str, str]] = []
    for one in counted:
        if one.merged and one.closed is not None:
            taken_back.take(one.repo, one.title, one.takes_back, one.closed)
        if one.row is None or one.row.seen is None:
            left_out.append((one.agency, one.why))
        else:
            found.append((one.row.seen.at, one.repo, one.number, one, one.row))
    found.sort(key=lambda each: each[:3])
    seq: Counter[str] = Counter()
    rows = []
    for _, _, _, one, row in found:
        seq[row.agency] += 1
        rows.append(_among_all(one, row, seq[row.agency], taken_back, as_of))
    excluded: dict[str, Counter[str]] = {}
    for agency, why in sorted(left_out):
        excluded.setdefault(agency, Counter())[why] += 1
    return Told(rows, excluded)


def _among_all(
    one: Counted, row: Submission, seq: int, taken_back: Reverts, as_of: datetime
) -> Submission:
    merged = row.state == "merged"
    reverted = (
        merged
        and one.closed is not None
        and taken_back.has(one.repo, one.title, one.commit, one.closed)
    )
    seen = row.seen
    if merged and seen is not None and as_of - (one.closed or as_of) < TAKEN_BACK_WITHIN:
        seen = replace(seen, young=True)
    cells: list[Any] = list(_CELLS(row))  # `replace` would take twice as long
    cells[_SEQ], cells[_REVERTED] = seq, reverted
    cells.append(seen)
    return Submission(*cells)


# --- as text --------------------------------------------------------------------------


def to_text(one: Counted) -> str:
    """JSON, with everything but the address of its page."""
    cells: list[object] = [one.agency, one.why, one.repo, one.number, one.title, one.commit]
    cells += [one.takes_back, one.merged, one.closed and _number(one.closed)]
    if one.row is not None and one.row.seen is not None:
        cells += [_CELLS(one.row), _number(one.row.seen.at), _SEEN(one.row.seen)]
    return json.dumps(cells, separators=(",", ":"))


def from_text(text: str, page: Callable[[str, int], str]) -> Counted:
    """What `to_text` was given; `page` tells the address of a repository's pull request."""
    try:
        cells = from_json(text, cache_strings="all")
    except ValueError:  # the fast parser takes no half of a character pair, as titles may hold
        cells = json.loads(text)
    agency, why, repo, number, title, commit, takes_back, merged, closed, *of_row = cells
    return Counted(
        agency=agency,
        why=why,
        repo=repo,
        number=number,
        title=title,
        commit=commit,
        takes_back=tuple(takes_back),
        merged=merged,
        closed=None if closed is None else _moment(closed),
        row=_row(page(repo, number), *of_row) if of_row else None,
    )


def _row(url: str, cells: list[Any], at: int, of_seen: list[Any]) -> Submission:
    """All in the order of their fields: by name it takes three times as long."""
    verdict, review, answers, *more, opinions, silenced, stale = of_seen
    reviewed, answered = review and tuple(review), tuple(map(tuple, answers))
    seen: list[Any] = [_moment(at), url, verdict, reviewed, answered, *more]
    seen += [tuple(opinions), silenced, stale]
    *before, kinds, lint, failures, state, reverted, from_fork = cells
    row: list[Any] = [*before, tuple(kinds), lint, failures, state, reverted, from_fork]
    row.append(Seen(*seen))
    return Submission(*row)


def _number(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _moment(number: int) -> datetime:
    return _EPOCH + timedelta(microseconds=number)
