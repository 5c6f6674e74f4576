"""People at the pages: whoever keeps the gate, a manager, an agency. Everybody can read them."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, Place

PHONE = {"width": 360, "height": 740}
PAGES = (
    *("/", "/today", "/?q=banner&sort=oldest", "/pulls/site/1", "/lanes", "/agencies"),
    *(
        "/agency?name=Birch",
        "/incidents",
        "/people",
        "/audit",
        "/status",
        "/rules?rule=small-enough",
    ),
)


def faults(page: Page) -> list[str]:
    """What axe has to say against the page."""
    found = Axe().run(page).response["violations"]
    return [
        f"{page.url}: {one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]
    ]


def test_every_page_can_be_read_by_everybody(place: Place, browse: Open) -> None:
    page = browse("grace")
    found = []
    for path in PAGES:
        answer = page.goto(f"{place.url}{path}")
        assert answer is not None and answer.status == 200, path
        found += faults(page)
    page = browse()
    page.goto(f"{place.url}/sign-in")
    found += faults(page)
    assert not found, "\n".join(found)


def test_nor_does_the_dark_hide_anything(place: Place, browse: Open) -> None:
    page = browse("grace", color_scheme="dark")
    found = []
    for path in ("/pulls/site/1", "/agency?name=Birch"):
        page.goto(f"{place.url}{path}")
        found += faults(page)
    assert not found, "\n".join(found)


def test_no_page_is_wider_than_a_phone(place: Place, browse: Open) -> None:
    page = browse("grace", viewport=PHONE)
    wide = []
    for path in PAGES:
        page.goto(f"{place.url}{path}")
        if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
            wide.append(path)
    assert not wide, wide


def test_the_gatekeepers_day(place: Place, browse: Open) -> None:
    """From what waits, to the pull request, to the author's turn; all by links and one button."""
    page = browse("grace")
    page.get_by_role("link", name="Today").click()
    expect(page.get_by_role("heading", name="For you to look at")).to_be_visible()
    page.get_by_role("link", name="Pull requests").click()
    page.get_by_label("Search").fill("discount")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Take the discount <img").click()
    expect(page.get_by_text("needs changes").first).to_be_visible()
    expect(page.locator("tr.said").first).to_contain_text("os")
    page.get_by_label("Say something").fill("/hold")
    page.get_by_role("button", name="Comment").click()
    expect(page.get_by_text("Posted. I answer in a moment")).to_be_visible()
    place.house.wait_for_state(place.ada, place.number, "on hold")
    page.goto(f"{place.url}/pulls/site/{place.number}")
    expect(page.get_by_text("On hold by Grace").first).to_be_visible()


def test_a_manager_reads_a_report_and_decides(place: Place, browse: Open) -> None:
    page = browse("max")
    page.get_by_role("link", name="Agencies").click()
    page.get_by_role("link", name="Dogwood").click()
    expect(page.get_by_text("passed at first check").first).to_be_visible()
    page.get_by_text("Decide about Dogwood").click()
    page.get_by_label("Your decision").select_option("coaching")
    page.get_by_label("The reason").fill("We talk on Monday.")
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_text("We talk on Monday.")).to_be_visible()
    page.goto(f"{place.url}/pulls/site/{place.number}")
    expect(page.get_by_text("Managers read how things stand")).to_be_visible()


def test_a_draft_rule_is_tried_on_the_past_and_binds_nobody(place: Place, browse: Open) -> None:
    page = browse("grace")
    page.get_by_role("link", name="Rules").click()
    page.get_by_role("link", name="small-enough").click()
    draft = page.get_by_label("A rule file")
    text = draft.input_value()
    draft.fill(text.replace('level   = "warning"', 'level   = "reject"'))
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("status")).to_contain_text("decisions would differ")
    page.get_by_label("A rule file").fill("id = 7")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("alert")).to_contain_text("the draft")


def test_an_agency_sees_itself_and_nobody_else(place: Place, browse: Open) -> None:
    page = browse("ada")
    page.get_by_role("link", name="My agency").click()
    expect(page.get_by_role("heading", name="Alder", level=1)).to_be_visible()
    page.get_by_label("What the numbers leave out").fill("Designs came late.")
    page.get_by_role("button", name="Say it").click()
    expect(page.get_by_text("Designs came late.")).to_be_visible()
    for path in ("/agency?name=Birch", "/people", "/audit", "/lanes", "/incidents", "/rules"):
        answer = page.goto(f"{place.url}{path}")
        assert answer is not None and answer.status == 404, path


def test_pictures_for_the_documents(place: Place, browse: Open, shots: Path | None) -> None:
    if shots is None:
        pytest.skip("pictures are made by `make screenshots`")
    page = browse("grace", viewport={"width": 1200, "height": 800})
    for name, path in {
        "today": "/today",
        "pulls": "/",
        "pull": "/pulls/site/1",
        "agencies": "/agencies",
        "agency": "/agency?name=Birch",
        "audit": "/audit",
        "rules": "/rules?rule=small-enough",
    }.items():
        answer = page.goto(f"{place.url}{path}")
        assert answer is not None and answer.status == 200, path
        page.screenshot(path=shots / f"{name}.png")


def test_an_open_page_follows_what_happens_and_takes_nobodys_words_away(
    place: Place, browse: Open
) -> None:
    page = browse("grace")
    page.goto(f"{place.url}/pulls/site/{place.number}")
    page.locator("details.reword summary").click()
    page.locator("body").click(position={"x": 1, "y": 1})  # nothing on the page is in use
    page.evaluate("document.activeElement.blur()")
    renamed(place, "Take the discount off")
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Take the discount off", timeout=40_000
    )
    expect(page.locator("details.reword")).to_have_attribute("open", "")
    expect(page.locator("#live")).to_contain_text("Brought up to date")
    page.get_by_label("Say something").fill("I was about to say")
    renamed(place, "Take the discount off again")
    expect(page.locator("#live")).to_contain_text("has changed", timeout=40_000)
    expect(page.get_by_label("Say something")).to_have_value("I was about to say")
    assert not faults(page)


def test_without_scripts_everything_is_there(place: Place, browse: Open) -> None:
    page = browse("grace", java_script_enabled=False)
    page.goto(f"{place.url}/pulls/site/{place.number}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Take the discount")
    expect(page.get_by_text("Timeline")).to_be_visible()


def renamed(place: Place, title: str) -> None:
    answer = place.ada.forge("PATCH", f"/api/repos/1/pulls/{place.number}", {"title": title})
    assert answer.ok, answer.text
