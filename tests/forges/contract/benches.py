"""A bench for each forge, by its name: a new forge adds a line here, and passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.forges.contract import bitbucket_cloud, git
from tests.forges.contract.bench import Bench

OpenBench = Callable[[pytest.FixtureRequest, Path], AbstractContextManager[Bench]]

BENCHES: Mapping[str, OpenBench] = {
    "bitbucket-cloud": bitbucket_cloud.open_bench,
    "git": git.open_bench,
}
