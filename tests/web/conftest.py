from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Databases
from tests.web.served import Served, prepare, serving
from tests.web.world import World, make_template, make_world


@pytest.fixture(scope="session")
def template(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases
) -> Iterator[tuple[Path, str, str, str]]:
    folder = tmp_path_factory.mktemp("template")
    with databases.house(folder) as url:
        yield (folder, url, *make_template(folder))


@pytest.fixture
def world(
    template: tuple[Path, str, str, str], databases: Databases, tmp_path: Path
) -> Iterator[World]:
    folder, url, base, head = template
    shutil.copytree(folder, tmp_path / "state")
    with databases.house(tmp_path / "state", like=url):
        made = make_world(tmp_path / "state", base, head)
        yield made
        made.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[Served]:
    """One running web process for all tests that only add deliveries of their own."""
    folder = tmp_path_factory.mktemp("web")
    with databases.house(folder):
        prepare(folder)
        with serving(folder) as running:
            yield running
