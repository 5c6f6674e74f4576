from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from intakebot.world.bitbucket_cloud import BitbucketCloud
from tests.forges.bitbucket_cloud.cast import Cast, Clock


@pytest.fixture
def cast(tmp_path: Path) -> Iterator[Cast]:
    clock = Clock()
    with BitbucketCloud(tmp_path / "cloud", now=clock.now) as cloud:
        yield Cast(cloud, tmp_path, clock)
        assert cloud.contract_errors == ()
