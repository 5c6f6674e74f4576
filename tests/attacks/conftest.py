"""One tested sandbox, lent to every site with checks, and a house at a fake Bitbucket Cloud."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from intakebot.world.bitbucket_cloud import BitbucketCloud
from tests.flow.cloud_shop import CloudShop, open_cloud_shop
from tests.flow.conftest import checking
from tests.forges.bitbucket_cloud.cast import Cast, Clock

__all__ = ["checking"]


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[CloudShop]:
    clock = Clock()
    with BitbucketCloud(tmp_path / "cloud", now=clock.now) as cloud:
        shop = open_cloud_shop(tmp_path, Cast(cloud, tmp_path, clock))
        yield shop
        shop.house.database.close()
