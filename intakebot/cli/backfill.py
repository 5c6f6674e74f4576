"""`intakebot backfill`: what the past of a repository tells of who contributed how."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from intakebot.cli.backtest import told
from intakebot.cli.main import JSON, STATE, table
from intakebot.cli.past import read_past
from intakebot.cli.written import write_whole
from intakebot.core.escape import sheet_cell, visible
from intakebot.core.merged import domain_of
from intakebot.core.metrics.history import NOT_TOLD, Derived, Total, derive, is_bot, totals
from intakebot.repo.git import Git
from intakebot.repo.here import checked_out, git_here
from intakebot.repo.merges import direct, merges, reverting

COLUMNS = (
    *("pr", "domain", "person", "repo", "size", "changed_lines", "seq", "state", "reverted"),
    *("young", "commits", "merged_at", "commit", "title"),
)


@dataclass(frozen=True, slots=True)
class History:
    """Of one repository. `start` is the time of the oldest merge looked at, None without any;
    `bots` are merges left out."""

    repo: str
    start: datetime | None
    last: datetime
    found: Sequence[Derived]
    bots: int
    totals: Sequence[Total]


@click.command(
    epilog="Examples: intakebot backfill site; intakebot backfill --git ../site --since 2025-01-01"
)
@click.argument("repo", required=False)
@click.option(
    "--git",
    "path",
    metavar="PATH",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Not what a forge tells of REPO, but any git repository; it is only read.",
)
@click.option("--since", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]), help="UTC.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="How many, newest first.",
)
@click.option("--format", "kind", type=click.Choice(["text", "json", "csv"]), default="text")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Else printed.")
@click.option("--no-wait", is_flag=True, help="End where the forge's limit is reached (exit 3).")
@JSON
@STATE
def backfill(
    repo: str | None,
    path: Path | None,
    since: datetime | None,
    limit: int,
    kind: str,
    out: Path | None,
    no_wait: bool,
    as_json: bool,
    state: Path | None,
) -> None:
    """Learn from the past: of REPO as its forge tells of it, or of a history with --git.

    Of REPO, pull requests that were over before the house looked are read, newest first, within
    the forge's limits, and kept for the report; each run goes on where the last one ended. With
    --git, submissions are derived from merges. Neither tells whether work met the rules here, so
    nobody is judged by it; what is missing is said.
    """
    if (repo is None) == (path is None):
        raise click.UsageError("say a repository of this house, or --git PATH")
    start = since.replace(tzinfo=UTC) if since else None
    if repo is not None:
        if kind == "csv" or out is not None:
            raise click.UsageError("--format csv and --out go with --git; REPO takes --json")
        as_json = as_json or kind == "json"
        return read_past(repo, start, limit, state, waits=not no_wait, as_json=as_json)
    assert path is not None  # noqa: S101 - one of both, as asked above
    if as_json and kind == "csv":
        raise click.UsageError("--json and --format csv ask for two different things")
    history = read(path, start, limit)
    made = {"text": page, "json": to_json, "csv": to_csv}["json" if as_json else kind](history)
    if out is None:
        click.echo(made, nl=False)
        return
    write_whole(out, made)
    click.echo(f"Wrote {out}", err=True)


def read(path: Path, since: datetime | None, limit: int) -> History:
    git = git_here(path)
    tip = checked_out(path)
    last = datetime.fromisoformat(git.run("log", "-1", "--format=%cI", tip).decode().strip())
    past = list(told(merges(git, tip, limit, since), limit))
    # Fewer merges than the branch has were looked at: no more of its commits may be, either.
    whole = len(past) < limit
    start = min((one.at for one in past), default=None)
    window = since if whole else start
    found = derive(past, reverting(git, tip, window), last)
    commits = Counter(_domains(git, tip, window))
    bots = sum(is_bot(one.author) for one in past)
    name = path.resolve().name
    return History(name, start, last, found, bots, totals(found, commits))


def _domains(git: Git, tip: str, since: datetime | None) -> Iterator[str]:
    return (domain_of(email) for name, email in direct(git, tip, since) if not is_bot(name))


def to_json(history: History) -> str:
    shape = {
        "repo": history.repo,
        "start": history.start.isoformat() if history.start else None,
        "last_commit_at": history.last.isoformat(),
        "bots_left_out": history.bots,
        "domains": [asdict(one) for one in history.totals],
        "not_told": dict(NOT_TOLD),
        "submissions": [
            dict(zip(COLUMNS, _cells(history, one), strict=True)) for one in history.found
        ],
    }
    return json.dumps(shape, indent=1, ensure_ascii=False) + "\n"


def to_csv(history: History) -> str:
    """RFC 4180, but `\\n`. A `'` stands before what a sheet would compute."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in history.found:
        cells = _cells(history, one)
        writer.writerow([sheet_cell(cell) if isinstance(cell, str) else cell for cell in cells])
    return out.getvalue()


def _cells(history: History, one: Derived) -> list[str | int | None]:
    merge = one.merge
    return [
        *(merge.number, one.domain, merge.author, history.repo, one.size, one.changed_lines),
        *(one.seq, "merged", int(one.reverted), int(one.young), merge.commits),
        *(merge.at.isoformat(), merge.commit, merge.title),
    ]


def page(history: History) -> str:
    """For a terminal."""
    parts = [_headline(history)]
    if history.totals:
        parts += [table([_HEAD, *map(_row, history.totals)]), _KEY]
    if history.bots:
        parts.append(f"Left out: {history.bots} by bots.")
    missing = "\n".join(f"  {column}: {why}" for column, why in NOT_TOLD.items())
    parts.append(f"What no history tells, so that nobody is judged by this one:\n{missing}")
    return "\n\n".join(parts) + "\n"


_HEAD = ("DOMAIN", "PEOPLE", "MERGES", "S", "L", "USUAL LINES", "REVERTED", "DIRECT")
_KEY = (
    "S: up to 80 changed lines, L: more than 300. REVERTED: within 30 days, of those that are "
    "older\nthan that. DIRECT: commits on the branch that no merge brought: pushed past the pull "
    "requests,\nsquashed or rebased; a history does not tell which."
)


def _headline(history: History) -> str:
    if history.start is None:
        return (
            f"{history.repo}: there are no merges of two parents on the first-parent line. Where "
            "pull requests are squashed or rebased, a history does not tell them apart."
        )
    return (
        f"{history.repo}: {len(history.found)} merges from {history.start.date()} to "
        f"{history.last.date()}."
    )


def _row(one: Total) -> tuple[str, ...]:
    usual = "" if one.usual_lines is None else f"{one.usual_lines:g}"
    reverted = f"{one.reverted} of {one.settled}"
    counts = (one.people, one.merges, one.small, one.large)
    return (visible(one.domain, 40), *map(str, counts), usual, reverted, str(one.direct))
