"""One built-in Git forge, with a door before it, for all tests of plugs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.forges.contract.git import Place, open_place


@pytest.fixture(scope="session")
def git_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("git-forge")) as place:
        yield place
