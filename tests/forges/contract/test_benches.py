"""No forge comes without a bench, and each bench is its forge's."""

from __future__ import annotations

import pkgutil
from pathlib import Path

import pytest

from intakebot import forges
from intakebot.settings import dialect_files
from tests.forges.contract.bench import Bench
from tests.forges.contract.benches import BENCHES

SHARED = {"api", "http"}  # modules of `forges` that are no forge


def test_every_forge_has_a_bench() -> None:
    plugs = {module.name for module in pkgutil.iter_modules(forges.__path__)} - SHARED
    assert {name.replace("_", "-") for name in plugs} == set(BENCHES)
    assert {Path(name).stem for name in dialect_files()} == set(BENCHES)


def test_a_bench_is_of_the_forge_it_is_named_for(
    bench: Bench, request: pytest.FixtureRequest
) -> None:
    assert bench.forge.name == request.node.callspec.params["bench"]
