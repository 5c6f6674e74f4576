from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gitforge.world import Project, Server, make_project, running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("forge") / "state") as server:
        yield server


@pytest.fixture
def project(server: Server, tmp_path: Path) -> Project:
    return make_project(server, tmp_path)
