"""Workshops: a site without checks, and one with a check that takes a moment in the sandbox."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from intakebot import settings
from intakebot.flow.house import House
from intakebot.model import Group, Role
from intakebot.wiring import build_house
from intakebot.world.people import Somebody
from tests.databases import Databases
from tests.flow.workshop import Rings, Workshop, open_workshop

PAGE = "".join(f"<p>Line {number}</p>\n" for number in range(1, 21))
SITE = {"index.html": PAGE, "README": "A small site.\n"}
# The brackets keep the check from finding its own definition.
CHECKS = """
[checks.words]
run = "! grep -rn 'BRO[K]EN' ."
"""


@pytest.fixture(scope="session")
def checking(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Its sandbox and tools are found and tested once, and lent to every workshop."""
    return build_house(settings.load(tmp_path_factory.mktemp("tools"), {}), bell=Rings())


@contextmanager
def checking_shop(
    folder: Path, databases: Databases, checking: House, files: Mapping[str, str]
) -> Iterator[Workshop]:
    """A workshop with these files on `main`."""
    with databases.house(folder / "state"):
        shop = open_workshop(folder / "state", site_of(folder / "site", files))
        shop.house = replace(shop.house, sandbox=checking.sandbox, toolbox=checking.toolbox)
        try:
            yield shop
        finally:
            shop.close()


@pytest.fixture
def shop(tmp_path: Path, databases: Databases, checking: House) -> Iterator[Workshop]:
    with checking_shop(tmp_path, databases, checking, SITE) as shop:
        yield shop


@pytest.fixture
def checked_shop(tmp_path: Path, databases: Databases, checking: House) -> Iterator[Workshop]:
    files = {**SITE, ".intakebot.toml": CHECKS}
    with checking_shop(tmp_path, databases, checking, files) as shop:
        yield shop


def site_of(folder: Path, files: Mapping[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    for command in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        (*who, "commit", "--quiet", "--message=Start"),
    ):
        subprocess.run(("git", "-C", str(folder), *command), check=True)
    return folder


# --- the usual people -----------------------------------------------------------------


def ada(shop: Workshop) -> Somebody:
    """A developer of an agency."""
    return shop.person("ada", Group.AGENCY, agency="Alder")


def grace(shop: Workshop) -> Somebody:
    """Staff, and maintainer."""
    return shop.person("grace", Group.STAFF, roles=(Role.MAINTAINER,), access="write")
