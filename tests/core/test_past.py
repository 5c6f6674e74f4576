"""What was taken back of the time before the house looked, by what later titles say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from intakebot.core.metrics.past import PastPull, totals
from intakebot.core.metrics.stories import Whose
from intakebot.model import Group

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def pull(number: int, title: str, day: int, *, merged: bool = True, repo: str = "site") -> PastPull:
    ended = START + timedelta(days=day)
    return PastPull(
        forge="git",
        repo=repo,
        number=number,
        author="3",
        login="ada",
        title=title,
        url="u",
        opened=ended - timedelta(days=1),
        ended=ended,
        merged=merged,
        from_fork=True,
        pushes=1,
        asked=False,
        talk=0,
        green=None,
    )


@pytest.mark.parametrize(
    ("later", "taken_back"),
    [
        (pull(2, 'Revert "Add a banner"', 30), 1),
        (pull(2, 'Revert "Add a banner"', 31), 0),
        (pull(2, 'Revert "Add a banner"', 5, merged=False), 0),
        (pull(2, 'Revert "Add a banner"', 5, repo="shop"), 0),
        (pull(2, "Add a banner", 5), 0),
    ],
    ids=["in time", "too late", "not merged", "elsewhere", "the same title"],
)
def test_a_merged_revert_within_thirty_days_counts_for_the_past_too(
    later: PastPull, taken_back: int
) -> None:
    found = [pull(1, "Add a banner", 0), later, pull(9, "Another year", 365)]
    [of] = totals(found, lambda forge, account, at: Whose(Group.AGENCY, "Alder", "p"))
    assert of.taken_back[0] == taken_back
