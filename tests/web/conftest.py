from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.served import Served, prepare, serving
from tests.web.world import World, make_template, make_world


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    folder = tmp_path_factory.mktemp("template")
    return (folder, *make_template(folder))


@pytest.fixture
def world(template: tuple[Path, str, str], tmp_path: Path) -> Iterator[World]:
    folder, base, head = template
    shutil.copytree(folder, tmp_path / "state")
    made = make_world(tmp_path / "state", base, head)
    yield made
    made.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One running web process for all tests that only add deliveries of their own."""
    folder = tmp_path_factory.mktemp("web")
    prepare(folder)
    with serving(folder) as running:
        yield running
