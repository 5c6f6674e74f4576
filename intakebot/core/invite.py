"""An agency's starter page: how work comes in here, with commands to paste. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intakebot.core import escape
from intakebot.core.rule import Rule
from intakebot.model import Level

HOOK = """#!/bin/sh
# Says before a push what intakebot would say after it. Without intakebot here it says nothing.
command -v intakebot >/dev/null || exit 0
exec intakebot check --local --target upstream/{branch}
"""


@dataclass(frozen=True, slots=True)
class Repository:
    """`fork_url` is of one person's fork, with LOGIN in place of who they are where many read it;
    `fork_page` is where a forge makes it, "" where the first push does."""

    name: str
    main_url: str
    branch: str
    fork_url: str
    fork_page: str = ""


def starter_page(
    agency: str,
    house: str,
    repositories: Sequence[Repository],
    rules: Sequence[Rule],
    ask: Sequence[str],
) -> str:
    """`house` is the address of the pages, `ask` whom to turn to. Markdown."""
    parts = [
        f"# How {escape.text(agency)} sends work here",
        "Everything comes as a pull request from your own fork. What you push there is looked at "
        "by itself within a minute or so; one comment says what is wrong, on which line, and "
        "what to type. People review it when nothing is in the way.",
        *(_repository(one) for one in repositories),
        _rules(rules),
        "## What you can say",
        "In a comment on your pull request: `/status` says where it stands, `/recheck` runs the "
        "checks again, `/help` lists the rest. Push corrections to the same branch; the pull "
        "request follows.",
        "## Where to look, whom to ask",
        f"Your pull requests, and how your work comes in: <{house}>. Sign in with the login and "
        "token of the forge.",
    ]
    if ask:
        parts.append("Ask: " + ", ".join(escape.text(name) for name in ask) + ".")
    return "\n\n".join(parts) + "\n"


def _repository(one: Repository) -> str:
    url, branch = escape.shell(one.main_url), one.branch
    fork = (
        f"First make your fork, once: <{one.fork_page}>. "
        if one.fork_page
        else "Your fork is made when you first clone it. "
    )
    folder = one.name.rpartition("/")[2]
    start = "\n".join(
        (
            f"git clone {escape.shell(one.fork_url)} {escape.shell(folder)}",
            f"cd {escape.shell(folder)}",
            f"git remote add upstream {url}",
            "git fetch upstream",
        )
    )
    work = "\n".join(
        (
            "git fetch upstream",
            f"git switch -c say-what-changes {escape.shell(f'upstream/{branch}')}",
            'git commit -a -m "Say what changes"',
            "git push -u origin HEAD",
        )
    )
    hook = HOOK.format(branch=branch)
    return "\n\n".join(
        (
            f"## {escape.text(one.name)}",
            f"{fork}Once:",
            f"```sh\n{start}\n```",
            "Each change, on a branch of its own:",
            f"```sh\n{work}\n```",
            "To hear before the push what would be said after it, put this into "
            "`.git/hooks/pre-push` and make it executable (`git push --no-verify` skips it):",
            f"```sh\n{hook}```",
        )
    )


def _rules(rules: Sequence[Rule]) -> str:
    needed = [rule for rule in rules if rule.level in (Level.REJECT, Level.ERROR)]
    wished = [rule for rule in rules if rule.level is Level.WARNING]
    lines = [f"- {rule.summary}" for rule in needed]
    lines += [f"- if it can be: {_small(rule.summary)}" for rule in wished]
    return "\n\n".join(("## What every change has to meet", "\n".join(lines)))


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]
