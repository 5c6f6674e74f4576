"""Submissions derived from the merges of a git repository, and what no history tells of them. Pure.

What was reverted counts as in the report (Q11): within 30 days of the merge, and not yet for
merges that are younger than that at the last commit of the history.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from intakebot.core.merged import Merge, domain_of
from intakebot.core.metrics.reverts import TAKEN_BACK_WITHIN
from intakebot.core.metrics.table import size_of

# Column of a table of submissions (docs/report.md) -> why it can't be had from a history.
NOT_TOLD: Mapping[str, str] = {
    "agency": "a domain of addresses is all there is; the roster says whose somebody is",
    "first_pass": "no check's result is kept in git",
    "rounds": "what was pushed in between is overwritten or looks like any commit",
    "first_fix_h": "nobody knows when something was found",
    "fix_censored": "nobody knows when something was found",
    "violations": "no rule had judged",
    "lint_findings": "no check's result is kept in git",
    "new_test_failures": "no check's result is kept in git",
    "state": "declined and open pull requests leave nothing behind: every row was merged",
    "from_fork": "a merge looks the same wherever its branch was",
}


@dataclass(frozen=True, slots=True)
class Reverting:
    """A commit that says which ones it takes back: full ids, or at least seven digits of them."""

    at: datetime
    commits: Sequence[str]


@dataclass(frozen=True, slots=True)
class Derived:
    """One merge. `seq` counts a domain's merges from 1, the oldest; `young`: it may still be
    taken back within 30 days, so it counts on neither side of a share."""

    merge: Merge
    domain: str
    seq: int
    size: str
    changed_lines: int
    reverted: bool
    young: bool


@dataclass(frozen=True, slots=True)
class Total:
    """Of one domain. `settled` are the merges that are not young; `reverted` is of those.
    `direct` counts commits on the branch itself that no merge brought."""

    domain: str
    people: int
    merges: int
    small: int
    large: int
    usual_lines: float | None  # changed lines, the median
    reverted: int
    settled: int
    direct: int


def derive(
    merges: Iterable[Merge], reverting: Iterable[Reverting], last: datetime
) -> list[Derived]:
    """Oldest first, whatever the order given. Merges by bots are left out. `last` is the time of
    the history's last commit."""
    ordered = sorted(merges, key=lambda one: (one.at, one.commit))
    undone = [(commit, one.at) for one in reverting for commit in one.commits]
    seq: Counter[str] = Counter()
    found = []
    for merge in ordered:
        if is_bot(merge.author):
            continue
        domain = domain_of(merge.email)
        seq[domain] += 1
        lines = sum((file.added or 0) + (file.removed or 0) for file in merge.files)
        young = last - merge.at < TAKEN_BACK_WITHIN
        reverted = any(
            merge.at <= at <= merge.at + TAKEN_BACK_WITHIN and _is(merge, commit)
            for commit, at in undone
        )
        size = size_of(lines)
        found.append(Derived(merge, domain, seq[domain], size, lines, reverted, young))
    return found


def totals(found: Sequence[Derived], direct: Mapping[str, int]) -> list[Total]:
    """By merges, most first. `direct` is counted by domain."""
    made = [_total(domain, found, direct) for domain in {one.domain for one in found} | {*direct}]
    return sorted(made, key=lambda one: (-one.merges, -one.direct, one.domain))


def is_bot(author: str) -> bool:
    """By the name that forges give to those they let in as bots."""
    return author.endswith("[bot]")


def _total(domain: str, found: Sequence[Derived], direct: Mapping[str, int]) -> Total:
    own = [one for one in found if one.domain == domain]
    settled = [one for one in own if not one.young]
    return Total(
        domain=domain,
        people=len({one.merge.email.lower() for one in own}),
        merges=len(own),
        small=sum(one.size == "S" for one in own),
        large=sum(one.size == "L" for one in own),
        usual_lines=median(one.changed_lines for one in own) if own else None,
        reverted=sum(one.reverted for one in settled),
        settled=len(settled),
        direct=direct.get(domain, 0),
    )


def _is(merge: Merge, commit: str) -> bool:
    """Whether taking that commit back takes back the whole merge."""
    return merge.commit.startswith(commit) or (merge.commits == 1 and merge.head.startswith(commit))
