"""`intakebot backtest`: what other rules would have decided about the past."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from intakebot.cli.main import JSON, STATE, house_at, table
from intakebot.cli.rules import read_folder
from intakebot.core.backtest import Difference, Outcome
from intakebot.core.escape import visible
from intakebot.core.expression import did_you_mean
from intakebot.core.rulefile import rule_of
from intakebot.core.rules import BadRule, Rule, read_rules, rules_digest
from intakebot.model import OperatorError, State
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
@JSON
@STATE
def backtest(
    folder: Path | None,
    settings: Sequence[str],
    since: datetime | None,
    repo: str,
    as_json: bool,
    state: Path | None,
) -> None:
    """List every decision of the past that other rules would have changed.

    Nothing is decided anew: the facts that were stored with each first verdict are judged by the
    rules in force and by those to be tried, and both answers compared.
    """
    from intakebot.core.backtest import backtest as run

    if folder is None and not settings:
        raise click.UsageError("say what to try: --rules DIR, or --set RULE.KEY=VALUE")
    files = rule_files()
    now = read_rules(files)
    tried = with_settings(files if folder is None else read_folder(folder), settings)
    database = Database(house_at(state).database_url)
    try:
        with database.read() as connection:
            if repo and not history.knows_repo(connection, repo):
                raise OperatorError(f"--repo {visible(repo, 80)}: there is no such repository here")
            start = since.replace(tzinfo=UTC) if since else None
            past = history.decisions(connection, start, repo)
            outcome = run(past, now, tried, rules_digest(now))
    finally:
        database.close()
    click.echo(json.dumps(shape(outcome), indent=2) if as_json else page(outcome))


def with_settings(files: Mapping[str, str], settings: Sequence[str]) -> tuple[Rule, ...]:
    """The rules of these files with some keys changed. Raises BadRule."""
    if not settings:
        return read_rules(files)
    tables: dict[str, dict[str, Any]] = {rule.source: {} for rule in read_rules(files)}
    for setting in settings:
        place, equals, value = setting.partition("=")
        rule, dot, key = place.strip().partition(".")
        if not (equals and dot and key):
            raise BadRule(f"--set {setting}: write it as RULE.KEY=VALUE, small-enough.level=reject")
        name = f"{rule}.toml"
        if name not in tables:
            known = [one.removesuffix(".toml") for one in tables]
            raise BadRule(f"--set {setting}: there is no rule '{rule}'.{did_you_mean(rule, known)}")
        tables[name][key] = _value(value.strip())
    changed = [rule_of(name, tomllib.loads(files[name]) | more) for name, more in tables.items()]
    return tuple(sorted(changed, key=lambda rule: rule.id))


def _value(text: str) -> object:
    """As TOML has it, and whatever is none of TOML's values is plain text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


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


def page(outcome: Outcome) -> str:
    if not outcome.judged:
        return "There is nothing to judge yet: no pull request has had a complete verdict."
    parts = [summary(outcome)]
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


def summary(outcome: Outcome) -> str:
    """One sentence: how many, and who would have been rejected or no longer been."""
    of = f"of the {outcome.judged} decision{'s' * (outcome.judged != 1)}"
    if not outcome.differences:
        return f"None {of} would differ."
    said = [f"{len(outcome.differences)} {of} would differ."]
    come, gone = outcome.moved(State.REJECTED)
    if come:
        said.append(f"It would have rejected {len(come)} more, {_whose(come)}.")
    if gone:
        said.append(f"It would not have rejected {len(gone)}, {_whose(gone)}.")
    return " ".join(said)


def _whose(some: Sequence[Difference]) -> str:
    counted = Counter(one.past.agency for one in some)
    if len(counted) == 1:
        return f"all from {visible(next(iter(counted)), 40)}"
    return ", ".join(f"{count} from {visible(name, 40)}" for name, count in counted.most_common())


def _listed(differences: Sequence[Difference]) -> str:
    rows = [("WHEN", "PULL REQUEST", "AGENCY", "RULE", "BEFORE", "AFTER", "PAGE")]
    for one in differences[:MOST_SHOWN]:
        facts = one.past.facts
        name = f"{visible(facts.repo, 40)}#{facts.number}"
        place = facts.page_url or facts.pull_url
        for change in one.changes:
            when = f"{one.past.at:%Y-%m-%d %H:%M}"
            words = (change.rule, change.before, change.after)
            rows.append((when, name, visible(one.past.agency, 40), *words, visible(place, 200)))
    more = len(differences) - MOST_SHOWN
    return table(rows) + (f"\n... and {more} more; --json has all" if more > 0 else "")
