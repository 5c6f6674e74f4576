from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from intakebot.world.bitbucket_cloud import BitbucketCloud
from tests.world.scene import Listener, Scene, listening, scene


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[BitbucketCloud]:
    """Every test's requests and answers keep the contract, where it is at hand."""
    with BitbucketCloud(tmp_path / "cloud") as cloud:
        yield cloud
        assert cloud.contract_errors == ()


@pytest.fixture
def stage(cloud: BitbucketCloud) -> Scene:
    return scene(cloud)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as found:
        yield found
