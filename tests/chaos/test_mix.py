"""A minute in which everything goes wrong, and seeds for which something once did."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.mix import played

pytestmark = pytest.mark.long

SECONDS = 60


def test_after_a_minute_of_faults_the_house_is_quiet_and_every_promise_was_kept(
    tmp_path: Path,
) -> None:
    story = played(tmp_path, seed=1, seconds=SECONDS)
    assert story.counts["fault"] > 20 and story.counts["landed"] >= 2, story.counts
