"""What every test shares: how it is measured, and which databases it runs on."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from tests.databases import Databases

# An example's time on the clock says nothing while other tests run beside it (`make test`).
# Where speed is promised a test measures it: in processor time, or marked `alone`.
hypothesis.settings.register_profile("beside-others", deadline=None)
hypothesis.settings.load_profile("beside-others")

NOT_HERE = pytest.param(
    "sqlite", marks=pytest.mark.skip("about PostgreSQL; run it with --database postgres")
)
KINDS: dict[str, tuple[Any, ...]] = {
    "sqlite": ("sqlite",),
    "postgres": ("postgres",),
    "both": ("sqlite", "postgres"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "where tests that need a house's database get one; postgres runs these tests alone"
    parser.addoption("--database", choices=sorted(KINDS), default="sqlite", help=told)


LIVES = ("flow", "cli")
DOORS = ("test_door", "test_door_bitbucket", "test_strangers")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that reaches a house's database, through whatever fixture, runs on each."""
    if "databases" not in metafunc.fixturenames:
        return
    asked = metafunc.config.getoption("--database")
    kinds = KINDS[asked]
    if asked == "both" and not _is_worth_both(metafunc.definition):
        kinds = KINDS["sqlite"]
    if metafunc.definition.get_closest_marker("postgres"):
        kinds = tuple(kind for kind in kinds if kind == "postgres") or (NOT_HERE,)
    metafunc.parametrize("databases", kinds, indirect=True, scope="session")


def _is_worth_both(test: pytest.Item) -> bool:
    """SQL is the store's alone, and its tests and those of everything that is quick run on both.

    Of whole lives, which take seconds, and of what only looks at requests, every fourth does,
    always the same ones: together they come by every table. `make test-postgres` runs them all.
    """
    if test.get_closest_marker("postgres") or test.get_closest_marker("both"):
        return True
    if test.get_closest_marker("long"):
        return False
    if test.path.parent.name not in LIVES and test.path.stem not in DOORS:
        return True
    return zlib.crc32(test.nodeid.encode()) % 4 == 0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # What takes longest comes first, so that nobody waits for it in the end.
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    if config.getoption("--database") != "postgres":
        return
    kept: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        (kept if "databases" in getattr(item, "fixturenames", ()) else others).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = kept


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    # Not at the top: the hostile cases also run with a Python that may not have the drivers.
    from tests import postgres
    from tests.databases import OnPostgres, OnSqlite

    if request.param == "sqlite":
        yield OnSqlite()
        return
    try:
        with postgres.running() as server:
            made = OnPostgres(server)
            made.prepare()
            yield made
    except postgres.NoServer as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"NOT TESTED ON POSTGRESQL: {error}")
