"""`intakebot check --local`: the house's rules on a change that has not been pushed yet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from intakebot.cli.main import CouldNotTell
from intakebot.core.config import NAME, read_config
from intakebot.core.escape import visible
from intakebot.core.ladder import unsatisfied
from intakebot.core.local import Local, facts_of
from intakebot.core.rules import judge, read_rules
from intakebot.flow.detect import detect
from intakebot.model import Level, OperatorError, Verdict, VerdictState
from intakebot.repo import change as changes
from intakebot.repo.git import GitFailed
from intakebot.repo.here import Here, here
from intakebot.repo.objects import read_file
from intakebot.settings import rule_files

STOPS = (Level.REJECT, Level.ERROR)


def check_local(target: str, as_json: bool) -> bool:
    """Print what the rules say of HEAD; whether nothing of it keeps the change from landing."""
    try:
        found = here(Path.cwd(), target)
        local = _read(found)
    except (OperatorError, GitFailed) as error:
        raise CouldNotTell(str(error)) from error
    facts = facts_of(local)
    verdicts = [judge(rule, facts) for rule in read_rules(rule_files())]
    click.echo(_as_json(local, verdicts) if as_json else _as_page(local, verdicts))
    return not _stopping(verdicts)


def _read(found: Here) -> Local:
    git = found.git
    merged = changes.merge(git, found.base, found.head)
    change = changes.change_of(git, merged)
    markers = changes.conflict_markers(git, *merged.sides) if merged.merge_bases else []
    config = read_config(read_file(git, found.base, NAME))
    return Local(
        repo=found.repo,
        branch=found.branch,
        target=found.target,
        title=found.title,
        description=found.description,
        author=found.author,
        fork_url=found.fork_url,
        main_url=found.main_url,
        change=change,
        markers=markers,
        detected=detect(git, change, config),
        config=config,
    )


def _stopping(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return [one for level in STOPS for one in unsatisfied(verdicts, level)]


def _as_page(local: Local, verdicts: Sequence[Verdict]) -> str:
    change = local.change
    what = f"{change.head[:12]} against {visible(local.target)} ({change.base[:12]})"
    bad = [one for one in verdicts if one.state is VerdictState.UNSATISFIED]
    parts = [f"{what}: {_count(change.commits, 'commit')}, {_count(len(change.files), 'file')}."]
    parts += [_rule(one) for one in bad]
    if _stopping(verdicts):
        parts.append("It would not be taken like this. Mend it, commit, and push again.")
    else:
        parts.append("Nothing is in the way. Checks run once you push, and people review it.")
    return "\n\n".join(parts)


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _rule(verdict: Verdict) -> str:
    body = (verdict.text.strip(), verdict.fix.strip())
    return "\n\n".join([f"{verdict.level.value}: {verdict.summary}", *filter(None, body)])


def _as_json(local: Local, verdicts: Sequence[Verdict]) -> str:
    data = {
        "head": local.change.head,
        "base": local.change.base,
        "target": local.target,
        "may_push": not _stopping(verdicts),
        "rules": [
            {
                "rule": one.rule,
                "level": one.level.value,
                "state": one.state.value,
                "offenders": list(one.offenders),
                "text": one.text,
                "fix": one.fix,
            }
            for one in verdicts
        ],
    }
    return json.dumps(data, indent=2)
