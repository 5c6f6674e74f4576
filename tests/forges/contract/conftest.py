from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forges.contract.bench import Bench
from tests.forges.contract.benches import BENCHES


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Every promise is held against every forge."""
    with BENCHES[request.param](request, tmp_path) as bench:
        assert bench.forge.name == request.param
        yield bench
