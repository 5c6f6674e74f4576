"""Nothing written by strangers ever acts, and every answer is guarded."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intakebot.model import (
    Account,
    VerdictState,
)
from intakebot.store import work
from tests.web.evidence import finding, verdict
from tests.web.html import shown
from tests.web.world import World

PULL = "/pulls/site/7"


NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "![x](https://evil.example/pixel.png)",
    "<a href='data:text/html,x'>x</a>",
    "<https://evil.example><svg onload=alert(1)>",
    "</textarea></code></pre><style>*{}</style>",
    "{{ 7 * 7 }}{% raw %}",
    "\u202egnp.evil",
    "`` ` ``<iframe>",
]
STRANGE = st.sampled_from(NASTY) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=60
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(title=STRANGE, branch=STRANGE, author=STRANGE, found=STRANGE, said=STRANGE)
def test_nothing_written_by_strangers_ever_acts(
    world: World, title: str, branch: str, author: str, found: str, said: str
) -> None:
    stranger = Account("5", author, author)
    world.forge.found.clear()
    pull_id = world.add_pull(
        7,
        title,
        author=stranger,
        branch=branch,
        why=found,
        findings=[finding(found), finding(found, path=branch)],
        verdicts=[verdict(found, VerdictState.UNSATISFIED, title, said, said)],
    )
    world.forge.comment(7, stranger, said)
    with world.database.write() as connection:
        work.describe_pull(connection, pull_id, problem=found)
    client = world.client("grace")
    for path in ("/", PULL):
        html = shown(client, path)
        assert html.active() == []


@pytest.mark.parametrize("nasty", NASTY)
def test_known_attacks_do_not_act_in_any_place(world: World, nasty: str) -> None:
    world.add_pull(7, nasty, branch=nasty, findings=[finding(nasty), finding(nasty, nasty)])
    world.forge.comment(7, Account("5", nasty, nasty), nasty)
    client = world.client("grace")
    for path in ("/", PULL):
        assert shown(client, path).active() == []


def test_names_that_hide_something_are_made_visible(world: World) -> None:
    world.add_pull(7, "abc\u202edef", branch="x\u200by")
    text = shown(world.client("grace"), PULL).text
    assert "abc\\u202edef" in text and "x\\u200by" in text


def test_a_path_that_is_no_text_is_shown_and_breaks_nothing(world: World) -> None:
    world.add_pull(7, findings=[finding("bad name", "caf\udce9.py", 1)])
    assert "bad name" in shown(world.client("grace"), PULL).text
    assert world.client("grace").get("/api/pulls/site/7").status_code == 200


# --- headers --------------------------------------------------------------------------


EVERYWHERE = ("/", PULL, "/status", "/sign-in", "/sign-in/x", "/livez", "/api/pulls", "/nothing")
STYLE = "/static/style.css"


@pytest.mark.parametrize("login", ["grace", None])
def test_every_answer_forbids_framing_and_all_scripts_but_our_own_files(
    world: World, login: str | None
) -> None:
    world.add_pull(7)
    client = world.client(login)
    for path in (*EVERYWHERE, STYLE):
        answer = client.get(path)
        answer.close()
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "script-src 'self';" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_what_is_shown_to_somebody_signed_in_is_never_stored_on_the_way(world: World) -> None:
    world.add_pull(7)
    client = world.client("grace")
    assert {client.get(path).headers["Cache-Control"] for path in EVERYWHERE} == {"no-store"}


def test_the_templates_never_switch_escaping_off() -> None:
    folder = Path(__file__).resolve().parents[2] / "intakebot" / "web" / "templates"
    texts = [path.read_text() for path in folder.glob("*.html")]
    assert len(texts) > 3
    assert not [text for text in texts if "|safe" in text or "autoescape" in text]
