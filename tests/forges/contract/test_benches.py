"""No forge comes without a bench."""

from __future__ import annotations

import pkgutil
from pathlib import Path

from intakebot import forges
from intakebot.settings import dialect_files
from tests.forges.contract.benches import BENCHES

SHARED = {"api", "http"}  # modules of `forges` that are no forge


def test_every_forge_has_a_bench() -> None:
    plugs = {module.name for module in pkgutil.iter_modules(forges.__path__)} - SHARED
    assert {name.replace("_", "-") for name in plugs} == set(BENCHES)
    assert {Path(name).stem for name in dialect_files()} == set(BENCHES)
