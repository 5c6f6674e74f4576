"""`intakebot backtest`: what other rules would have decided about the past."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from intakebot.cli.main import JSON, STATE, house_at, table
from intakebot.cli.rules import read_folder
from intakebot.core.backtest import Difference, Outcome, Past, summary
from intakebot.core.backtest import backtest as run_backtest
from intakebot.core.draft import with_settings
from intakebot.core.escape import visible
from intakebot.core.expression import FACT_NAMES
from intakebot.core.merged import Merge, facts_of, unknown_to
from intakebot.core.rules import Rule, read_rules, rules_digest
from intakebot.model import OperatorError
from intakebot.repo.here import checked_out, git_here
from intakebot.repo.merges import Skipped, merges
from intakebot.settings import rule_files
from intakebot.store import history
from intakebot.store.database import Database

MOST_SHOWN = 50  # decisions; --json has all


@click.command(
    epilog="Example: intakebot backtest --set small-enough.level=reject --since 2026-01-01"
)
@click.option(
    "--rules",
    "folder",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of rule files to try, instead of those in force.",
)
@click.option(
    "--set",
    "settings",
    metavar="RULE.KEY=VALUE",
    multiple=True,
    help="Another value for a key of a rule file; may be repeated.",
)
@click.option("--since", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]), help="UTC.")
@click.option("--repo", default="", metavar="NAME", help="Of this repository alone.")
@click.option(
    "--git",
    "path",
    metavar="PATH",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Past merges of any git repository, instead of what was decided here.",
)
@click.option(
    "--limit", type=click.IntRange(1), default=1000, show_default=True, help="Merges, with --git."
)
@JSON
@STATE
def backtest(
    folder: Path | None,
    settings: Sequence[str],
    since: datetime | None,
    repo: str,
    path: Path | None,
    limit: int,
    as_json: bool,
    state: Path | None,
) -> None:
    """List every decision of the past that other rules would have changed.

    Nothing is decided anew: the facts that were stored with each first verdict are judged by the
    rules in force and by those to be tried, and both answers compared.
    """
    if folder is None and not settings:
        raise click.UsageError("say what to try: --rules DIR, or --set RULE.KEY=VALUE")
    if path and repo:
        raise click.UsageError("--repo is of what was decided here, --git of a history; say one")
    files = rule_files()
    now = read_rules(files)
    tried = with_settings(files if folder is None else read_folder(folder), settings)
    start = since.replace(tzinfo=UTC) if since else None
    left_out: Mapping[str, Sequence[str]] = {}
    if path is not None:
        outcome, left_out = _of_history(path, limit, start, now, tried)
    else:
        outcome = _of_house(house_at(state).database_url, repo, start, now, tried)
    if as_json:
        click.echo(json.dumps({**shape(outcome), "left_out": dict(left_out)}, indent=2))
    else:
        click.echo(page(outcome, left_out))


def _of_house(
    url: str, repo: str, since: datetime | None, now: Sequence[Rule], tried: Sequence[Rule]
) -> Outcome:
    database = Database(url)
    try:
        with database.read() as connection:
            if repo and not history.knows_repo(connection, repo):
                raise OperatorError(f"--repo {visible(repo, 80)}: there is no such repository here")
            past = history.decisions(connection, since, repo)
            return run_backtest(past, now, tried, rules_digest(now))
    finally:
        database.close()


def _of_history(
    path: Path, limit: int, since: datetime | None, now: Sequence[Rule], tried: Sequence[Rule]
) -> tuple[Outcome, Mapping[str, Sequence[str]]]:
    """Also the rules that are left out, each with the facts that git can't tell."""
    git = git_here(path)
    tip = checked_out(path)
    unknown = {rule.id: unknown_to(rule, FACT_NAMES) for rule in (*now, *tried)}
    left_out = {rule: names for rule, names in sorted(unknown.items()) if names}
    kept, trying = ([one for one in some if one.id not in left_out] for some in (now, tried))
    name, digest = path.resolve().name, rules_digest(kept)
    found = told(merges(git, tip, limit, since), limit)
    past = (Past(one.at, facts_of(one, name), digest) for one in found)
    return run_backtest(past, kept, trying, digest), left_out


def told(found: Iterator[Merge | Skipped], limit: int) -> Iterator[Merge]:
    """Says how far it is, and which can't be told."""
    with click.progressbar(found, length=limit, label="Merges", file=sys.stderr) as bar:
        for one in bar:
            if isinstance(one, Merge):
                yield one
            else:
                click.echo(f"Left out: {one.commit[:12]}: {visible(one.why, 200)}", err=True)


def shape(outcome: Outcome) -> dict[str, object]:
    return {
        "judged": outcome.judged,
        "judged_by_other_rules_then": outcome.otherwise,
        "differ": len(outcome.differences),
        "by_rule": {rule: dict(sorted(said.items())) for rule, said in outcome.by_rule().items()},
        "by_agency": {
            agency: {"differ": count, "of": outcome.agencies[agency]}
            for agency, count in outcome.by_agency().items()
        },
        "decisions": [_decision(one) for one in outcome.differences],
    }


def _decision(one: Difference) -> dict[str, object]:
    facts = one.past.facts
    return {
        "repo": facts.repo,
        "number": facts.number,
        "head": facts.head,
        "at": one.past.at.isoformat(),
        "agency": one.past.agency,
        "author": facts.author_login,
        "title": facts.title,
        "url": facts.page_url or facts.pull_url,
        "before": one.before.value,
        "after": one.after.value,
        "rules": [
            {"rule": change.rule, "before": change.before, "after": change.after}
            for change in one.changes
        ],
    }


def page(outcome: Outcome, left_out: Mapping[str, Sequence[str]] | None = None) -> str:
    if not outcome.judged:
        if left_out is not None and left_out:
            return (
                "There is nothing to judge: no merges of two parents on the first-parent line. "
                "Where pull requests are squashed or rebased, a history does not tell them apart."
            )
        return "There is nothing to judge yet: no pull request has had a complete verdict."
    parts = [summary(outcome)]
    if left_out:
        asks = "; ".join(f"{rule} ({', '.join(names)})" for rule, names in left_out.items())
        parts.append(f"Left out, since no history tells what they ask for: {asks}.")
    if outcome.otherwise:
        parts.append(
            f"{outcome.otherwise} of them were judged by other rules then; both sides are judged "
            "anew here, so that only what you try makes a difference."
        )
    if outcome.differences:
        rules = [("RULE", "CHANGE", "DECISIONS")]
        for rule, said in outcome.by_rule().items():
            rules += [(rule, change, str(count)) for change, count in sorted(said.items())]
        agencies = [("AGENCY", "DIFFER", "OF")]
        for agency, count in outcome.by_agency().items():
            agencies.append((visible(agency, 40), str(count), str(outcome.agencies[agency])))
        parts += [table(rules), table(agencies), _listed(outcome.differences)]
    return "\n\n".join(parts)


def _listed(differences: Sequence[Difference]) -> str:
    rows = [("WHEN", "PULL REQUEST", "AGENCY", "RULE", "BEFORE", "AFTER", "PAGE")]
    for one in differences[:MOST_SHOWN]:
        facts = one.past.facts
        name = f"{visible(facts.repo, 40)}#{facts.number}" if facts.number else facts.head[:12]
        place = facts.page_url or facts.pull_url
        for change in one.changes:
            when = f"{one.past.at:%Y-%m-%d %H:%M}"
            words = (change.rule, change.before, change.after)
            rows.append((when, name, visible(one.past.agency, 40), *words, visible(place, 200)))
    more = len(differences) - MOST_SHOWN
    return table(rows) + (f"\n... and {more} more; --json has all" if more > 0 else "")
