"""What was taken back after it had been merged (Q11), by what later pull requests say."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

TAKEN_BACK_WITHIN = timedelta(days=30)
REVERTED_COMMIT = re.compile(r"This reverts commit ([0-9a-f]{7,40})")
_REVERT = re.compile(r'^Revert "(.+)"\s*$')


def takes_back(description: str) -> tuple[str, ...]:
    """Commits that it says are reverted: full ids, or at least seven digits of them."""
    return tuple(REVERTED_COMMIT.findall(description))


class Reverts:
    """What merged pull requests say they take back: a commit, or a title as git writes it."""

    def __init__(self) -> None:
        self.commits: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
        self.titles: dict[tuple[str, str], list[datetime]] = defaultdict(list)

    def take(self, repo: str, title: str, commits: Iterable[str], merged: datetime) -> None:
        """One that was merged, whether it takes something back or not; `commits` as
        `takes_back` finds them."""
        for commit in commits:
            self.commits[repo].append((commit, merged))
        said = _REVERT.match(title)
        if said:
            self.titles[repo, said[1]].append(merged)

    def has(self, repo: str, title: str, commit: str, merged: datetime) -> bool:
        """Whether what was merged then was taken back in time. `commit` is "" for unknown."""
        times = list(self.titles.get((repo, title), ()))
        times += [at for one, at in self.commits.get(repo, ()) if commit and commit.startswith(one)]
        return any(timedelta() < at - merged <= TAKEN_BACK_WITHIN for at in times)
