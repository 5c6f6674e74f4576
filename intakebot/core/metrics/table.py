"""Submissions as rows: one pull request each, with what was seen at its first complete verdict."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from intakebot.model import OperatorError

COLUMNS = (
    *("pr", "agency", "person", "repo", "size", "changed_lines", "seq", "first_pass", "rounds"),
    *("first_fix_h", "fix_censored", "violations", "lint_findings", "new_test_failures"),
    *("state", "reverted", "from_fork"),
)
SIZES = ("S", "M", "L")
SMALL, LARGE = 80, 300  # changed lines: the most of S, and of M
STATES = ("merged", "declined", "open")
UNKNOWN = "unknown"  # whose nobody can tell, and nobody shall guess
LONGEST = 200  # characters of a name
BIGGEST = 10**9


class BadTable(OperatorError):
    """File, line, column, fault, cure."""


Waited = tuple[float, bool]  # hours, and whether it was still going on when they were counted


@dataclass(frozen=True, slots=True)
class Seen:
    """What the house has seen of a submission, and no table tells. Hours are working hours of
    whoever was to answer; `review` is None where nobody had to, `verdict` where none was needed."""

    at: datetime  # of its first complete verdict
    url: str
    verdict: float  # hours until our first complete verdict
    review: Waited | None  # until somebody of us looked at it
    answers: tuple[Waited, ...]  # of theirs to questions of ours
    talk: int  # comments and reviews of ours, written by people
    theirs: float  # hours in which they were to act
    ours: float
    code: bool
    tests: bool  # it changes tests
    young: bool  # merged so lately that it may still be taken back
    described: bool  # everything that a description should have was there at the first verdict
    ticket: str  # "" where it names none, or nobody asks
    reviewer: str  # who of us looked first, by a name that is none; "" for nobody
    opinions: tuple[int, ...] = ()  # of reviewers on the next one, from 1 to 5
    silenced: bool = False  # it switched a check off somewhere
    stale: Literal["", "theirs", "ours"] = ""  # whose long wait it got into a conflict in


@dataclass(frozen=True, slots=True)
class Submission:
    """`seq` counts an agency's submissions from 1; `first_fix_h` are working hours until the first
    fix, None where nothing had to be fixed, and only a lower bound where `fix_censored`."""

    pr: str
    agency: str
    person: str
    repo: str
    size: Literal["S", "M", "L"]
    changed_lines: int
    seq: int
    first_pass: bool
    rounds: int
    first_fix_h: float | None
    fix_censored: bool
    violations: tuple[str, ...]
    lint_findings: int
    new_test_failures: bool
    state: Literal["merged", "declined", "open"]
    reverted: bool
    from_fork: bool
    seen: Seen | None = None  # None of a table


def size_of(lines: int) -> Literal["S", "M", "L"]:
    """Of so many changed lines."""
    return "S" if lines <= SMALL else "M" if lines <= LARGE else "L"


def read_table(text: str, name: str) -> list[Submission]:
    """The rows of a CSV file in RFC 4180's form, with a head that names COLUMNS in any order.

    Raises BadTable for the first fault.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        head = next(reader, [])
        _check_head(head, name)
        found = []
        for cells in reader:
            if cells:
                found.append(_row(head, cells, f"{name}:{reader.line_num}"))
    except csv.Error as error:
        raise BadTable(f"{name}:{reader.line_num}: not CSV: {error}") from error
    seen: set[tuple[str, str]] = set()
    for one in found:
        if (one.repo, one.pr) in seen:
            raise BadTable(f"{name}: pull request {one.pr} of {one.repo} is there twice; keep one")
        seen.add((one.repo, one.pr))
    return found


def _check_head(head: Sequence[str], name: str) -> None:
    missing = [column for column in COLUMNS if column not in head]
    if missing:
        raise BadTable(
            f"{name}:1: there is no column {missing[0]!r}; needed are {','.join(COLUMNS)}"
        )
    twice = [column for column in head if head.count(column) > 1]
    if twice:
        raise BadTable(f"{name}:1: the column {twice[0]!r} is there twice")


class _Cells:
    def __init__(self, cells: Mapping[str, str], place: str) -> None:
        self.cells, self.place = cells, place

    def fault(self, column: str, why: str) -> BadTable:
        return BadTable(f"{self.place}: {column}: {self.cells[column][:60]!r} {why}")

    def text(self, column: str) -> str:
        value = _plain(self.cells[column])
        if not value or len(value) > LONGEST or not value.isprintable():
            raise self.fault(column, f"is not a name of 1 to {LONGEST} characters")
        return value

    def number(self, column: str, least: int = 0) -> int:
        value = self.cells[column].strip()
        if not (value.isascii() and value.isdecimal()) or not least <= int(value[:20]) <= BIGGEST:
            raise self.fault(column, f"is not a whole number from {least} on")
        return int(value)

    def flag(self, column: str) -> bool:
        value = self.cells[column].strip()
        if value not in ("", "0", "1"):
            raise self.fault(column, "is neither 0 nor 1")
        return value == "1"

    def hours(self, column: str) -> float | None:
        value = self.cells[column].strip()
        if not value:
            return None
        try:
            found = float(value)
        except ValueError:
            found = -1.0
        if not 0 <= found < BIGGEST:
            raise self.fault(column, "is not a number of hours")
        return found

    def word(self, column: str, known: Sequence[str]) -> str:
        value = self.cells[column].strip()
        if value not in known:
            raise self.fault(column, f"is none of {', '.join(known)}")
        return value


def _row(head: Sequence[str], cells: Sequence[str], place: str) -> Submission:
    if len(cells) != len(head):
        raise BadTable(f"{place}: {len(cells)} cells, where the head has {len(head)}")
    row = _Cells(dict(zip(head, cells, strict=True)), place)
    kinds = [kind.strip() for kind in row.cells["violations"].split(";")]
    return Submission(
        pr=row.text("pr"),
        agency=row.text("agency") if row.cells["agency"].strip() else UNKNOWN,
        person=row.text("person"),
        repo=row.text("repo"),
        size=row.word("size", SIZES),  # type: ignore[arg-type]
        changed_lines=row.number("changed_lines"),
        seq=row.number("seq", 1),
        first_pass=row.flag("first_pass"),
        rounds=row.number("rounds", 1),
        first_fix_h=row.hours("first_fix_h"),
        fix_censored=row.flag("fix_censored"),
        violations=tuple(dict.fromkeys(kind for kind in kinds if kind)),
        lint_findings=row.number("lint_findings"),
        new_test_failures=row.flag("new_test_failures"),
        state=row.word("state", STATES),  # type: ignore[arg-type]
        reverted=row.flag("reverted"),
        from_fork=row.flag("from_fork"),
    )


def _plain(cell: str) -> str:
    """Without the apostrophe that our own exports put before what a spreadsheet would compute."""
    text = cell.strip()
    return text[1:] if text[:1] == "'" and text[1:2] in tuple("=+-@\t\r") else text


def in_order(rows: Sequence[Submission]) -> list[Submission]:
    """The same order whatever the order of the rows was."""
    return sorted(rows, key=lambda one: (one.agency, one.seq, one.repo, len(one.pr), one.pr))
