"""What was taken back after it had been merged (Q11), by what later pull requests say."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from intakebot.core.metrics.table import Submission

if TYPE_CHECKING:
    from intakebot.core.metrics.stories import Story

TAKEN_BACK_WITHIN = timedelta(days=30)
REVERTED_COMMIT = re.compile(r"This reverts commit ([0-9a-f]{7,40})")
_REVERT = re.compile(r'^Revert "(.+)"\s*$')


@dataclass(frozen=True, slots=True)
class Ended:
    """What is still needed of a story once its submission is known."""

    at: datetime
    number: int
    title: str
    commit: str
    closed: datetime | None


class Reverts:
    """What merged pull requests say they take back: a commit, or a title as git writes it."""

    def __init__(self) -> None:
        self.commits: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
        self.titles: dict[tuple[str, str], list[datetime]] = defaultdict(list)

    def take(self, story: Story) -> None:
        if story.state != "merged" or story.closed is None:
            return
        for commit in REVERTED_COMMIT.findall(story.description):
            self.commits[story.repo].append((commit, story.closed))
        said = _REVERT.match(story.title)
        if said:
            self.titles[story.repo, said[1]].append(story.closed)

    def has(self, row: Submission, ended: Ended) -> bool:
        if row.state != "merged" or ended.closed is None:
            return False
        times = list(self.titles.get((row.repo, ended.title), ()))
        times += [
            at
            for commit, at in self.commits.get(row.repo, ())
            if ended.commit and ended.commit.startswith(commit)
        ]
        return any(timedelta() < at - ended.closed <= TAKEN_BACK_WITHIN for at in times)
