"""A past merge as facts, as far as a history can tell. Pure.

Where it came from, who approved it, what checks and detectors said: git keeps nothing of that.
Rules that ask for it are left out rather than answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from intakebot.core.facts import MOST_FILES, MOST_LINES, of_files
from intakebot.core.neutral import neutral_facts
from intakebot.core.rule import Rule
from intakebot.model import ChangedFile, Facts

KNOWN = frozenset(
    {
        *("repo", "number", "title", "author_login", "author_agency", "head", "base", "commits"),
        *("files_changed", "added_lines", "removed_lines", "binary_files", "paths"),
        *("max_lines", "max_files"),
    }
)
_WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


@dataclass(frozen=True, slots=True)
class Merge:
    """`base` is what it was merged into, `head` what was merged, `email` the head's author's.
    `number` is what the message says of a pull request, None where it says none."""

    commit: str
    base: str
    head: str
    at: datetime
    number: int | None
    title: str
    author: str
    email: str
    commits: int
    files: Sequence[ChangedFile]


def facts_of(merge: Merge, repo: str) -> Facts:
    """All else is as of a pull request that nobody has anything to say against."""
    return neutral_facts(
        repo=repo,
        number=merge.number or 0,
        title=merge.title,
        author_login=merge.author,
        author_agency=domain_of(merge.email),
        head=merge.head,
        base=merge.base,
        commits=merge.commits,
        **of_files(merge.files),
        max_lines=MOST_LINES,
        max_files=MOST_FILES,
        page_url="",
        pull_url=merge.commit,
    )


def domain_of(email: str) -> str:
    """What stands behind the at sign, in small letters; "unknown" where nothing does."""
    return email.partition("@")[2].strip().lower() or "unknown"


def unknown_to(rule: Rule, names: Iterable[str]) -> list[str]:
    """Facts that a rule asks for and no history tells. `names` are all that there are."""
    sources = [rule.flags.source, *([rule.applies.source] if rule.applies else [])]
    words = {word for source in sources for word in _WORD.findall(_TEXT.sub("", source))}
    return sorted(words & (set(names) - KNOWN))
