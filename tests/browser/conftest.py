"""One house with a past and a live pull request, and browsers that are signed in to it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.common.past import Past
from intakebot.model import Group, Role
from intakebot.settings import load
from intakebot.store.database import Database
from intakebot.wiring import now
from intakebot.world.house import RunningHouse
from intakebot.world.people import Somebody

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-sandbox"),
)
FAULTY = '''"""What things cost."""

import os


def total(prices: list[int], discount: int = 0) -> int:
    """The sum in cents, less a discount in percent."""
    return sum(prices) * (100 + discount) // 100
'''
TITLE = "Take the discount <img src=x onerror=alert(1)> into account"


@dataclass
class Place:
    """`number` is the live pull request of `ada`, with findings in it."""

    house: RunningHouse
    ada: Somebody
    number: int

    @property
    def url(self) -> str:
        return self.house.page_url

    def link(self, login: str) -> str:
        """A one-time link that signs somebody in."""
        return self.house.run("people", "sign-in", login, PORT=str(self.house.port)).strip()


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with RunningHouse(tmp_path_factory.mktemp("browsed") / "state") as house:
        database = Database(load(house.state, {}).database_url)
        Past(240, until=now() - timedelta(days=1)).live(database)
        database.close()
        house.person("grace", Group.STAFF, roles=(Role.MAINTAINER,), access="write")
        house.person("max", Group.STAFF, roles=(Role.MANAGER,))
        ada = house.person("ada", Group.AGENCY, agency="Alder")
        clone = ada.clone()
        ada.must("switch", "--quiet", "--create", "discount", within=clone)
        ada.commit(clone, {"shop/prices.py": FAULTY}, TITLE)
        ada.must("push", "--quiet", ada.url(ada.login), "HEAD:refs/heads/discount", within=clone)
        house.wait_for_state(ada, 1, "needs changes")
        yield Place(house, ada, 1)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("NOT TRIED IN A BROWSER: there is no chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


Open = Callable[..., Page]


@pytest.fixture
def browse(place: Place, chromium: Browser) -> Iterator[Open]:
    """Open a browser, signed in as somebody. Whatever a page complains of fails the test."""
    complaints: list[str] = []
    with opened(place, chromium, complaints) as browse:
        yield browse
    assert not complaints


@contextmanager
def opened(place: Place, chromium: Browser, complaints: list[str]) -> Iterator[Open]:
    contexts = []

    def browse(login: str = "", **more: Any) -> Page:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **more})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda said: _complain(complaints, said.type, said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"a dialog: {dialog.message}"))
        if login:
            page.goto(place.link(login))
            page.get_by_role("main").get_by_role("button").click()
        return page

    try:
        yield browse
    finally:
        for context in contexts:
            context.close()


def _complain(complaints: list[str], kind: str, text: str) -> None:
    # What there is not, and what is refused, is asked for on purpose.
    if kind in ("error", "warning") and "status of 40" not in text:
        complaints.append(text)


@pytest.fixture(scope="session")
def shots() -> Path | None:
    """Where pictures for the documents go, where they were asked for."""
    asked = os.environ.get("INTAKEBOT_SCREENSHOTS")
    return Path(asked) if asked else None
