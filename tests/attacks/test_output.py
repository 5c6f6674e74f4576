"""What comes out again: comments, pages, logs, files (5.9)."""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from markdown_it import MarkdownIt

from intakebot import log
from intakebot.core.comment import MOST_INLINE
from intakebot.flow.house import House
from intakebot.gitforge.api import make_api
from intakebot.gitforge.layout import Layout
from intakebot.web.app import create_app
from intakebot.wiring import build_house, dialects
from tests.attacks.cast import Cast, cast_in
from tests.flow.conftest import SITE
from tests.flow.workshop import Rings
from tests.web.served import ROOT
from tests.web.world import csrf

CONFIG = """
[checks.style]
run = "cat report.sarif; exit 1"
parse = "sarif"
"""


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory, checking: House) -> Iterator[Cast]:
    files = {**SITE, ".intakebot.toml": CONFIG, "report.sarif": sarif(0)}
    with cast_in(tmp_path_factory.mktemp("output"), files, checking) as cast:
        yield cast


def sarif(count: int) -> str:
    results = [
        {
            "ruleId": f"S{line}",
            "level": "error",
            "message": {"text": f"fault {line} for @everyone #{line}"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "long.html"},
                        "region": {"startLine": line},
                    }
                }
            ],
        }
        for line in range(1, count + 1)
    ]
    run = {"tool": {"driver": {"name": "style"}}, "results": results}
    return json.dumps({"version": "2.1.0", "runs": [run]})


def test_five_thousand_findings_do_not_bury_anybody(cast: Cast) -> None:
    shop = cast.shop
    page = "".join(f"<p>{line}</p>\n" for line in range(1, 5_001))
    number = cast.opens({"long.html": page, "report.sarif": sarif(5_000)})
    shop.settle()
    shop.settle()
    assert shop.standing(number) == "needs changes", shop.why(number)
    comments = shop.marks(number)
    assert len([one for one in comments if one.path]) == MOST_INLINE
    assert len(comments) == MOST_INLINE + 1
    assert "more, on the page" in shop.status_text(number)
    assert max(len(one.text) for one in comments) < 5_000


NOISY = "@everyone @org/team #12 !12 www.evil.example https://evil.example /merge **x** <b>"


def test_what_the_bot_repeats_mentions_links_and_refers_to_nothing(cast: Cast) -> None:
    """Forges make mentions and references of plain text; none may be left outside of code."""
    shop, number = cast.shop, cast.opens(title=f"fix {NOISY}")
    shop.says(cast.grace, number, f"/hold {NOISY}")
    shop.say(cast.ada, number, f"/hodl {NOISY}")
    shop.say(cast.ada, number, "@intakebot @everyone/#12")
    shop.settle()
    texts = list(shop.bot_says(number).values())
    assert len(texts) == 4 and any("On hold" in text for text in texts)
    for text in texts:
        for token in MarkdownIt("commonmark").parse(text):
            for child in token.children or []:
                assert child.type not in ("html_inline", "image", "link_open") or own(child.attrs)
                if child.type == "text":
                    assert not re.search(r"@\w|#\d|!\d|www\.\w|://\w", visible(child.content))


def own(attributes: dict[str, str | int | float]) -> bool:
    """Whether it is the bot's own link to the page."""
    return str(attributes.get("href", "")).startswith("http://127.0.0.1:")


def visible(text: str) -> str:
    """Without the one address of ours that a text may hold."""
    return re.sub(r"http://127\.0\.0\.1:[0-9]+/pulls/\S+", "", text)


# --- secrets --------------------------------------------------------------------------


class Lines(logging.Handler):
    """Every line as it would be written."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(log._Lines())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def logged() -> Iterator[list[str]]:
    handler, logger = Lines(), logging.getLogger("intakebot")
    logger.addHandler(handler)
    yield handler.lines
    logger.removeHandler(handler)


def test_no_secret_is_in_any_log_page_comment_database_or_mirror(
    cast: Cast, logged: list[str]
) -> None:
    """After a day on which much went wrong."""
    shop = cast.shop
    number = cast.opens()
    cast.ada.git("push", cast.ada.url(), "HEAD:refs/heads/main", within=cast.clone)
    shop.settle()
    pages = a_day_of_trouble(cast, number)
    told = "\n".join([*logged, *pages, *shop.bot_says(number).values()])
    assert "does not answer" in told and "refuses the bot" in told
    secrets = {
        "webhook": "test-secret",
        "session": "test-session-secret",
        **shop.settings.tokens,
        **{one.login: one.token for one in (cast.ada, cast.grace, cast.sam)},
    }
    kept = {path: path.read_bytes() for path in files_of(shop.state)}
    assert len(kept) > 20
    for name, secret in secrets.items():
        for shape in shapes(name, secret):
            assert shape not in told, name
            for path, content in kept.items():
                if (name, path.name) != ("webhook", "forge.db"):  # it signs with that one
                    assert shape.encode() not in content, (name, path)


def a_day_of_trouble(cast: Cast, number: int) -> list[str]:
    """A forge that is away, tokens that are refused, guesses at the pages; what they show."""
    shop, whole = cast.shop, cast.shop.house
    app = create_app(shop.settings, whole, dialects())
    client = app.test_client()
    shown = []
    for token in ("wrong", cast.grace.token):
        data = {"login": "grace", "token": token, "csrf": csrf(client, "/sign-in")}
        shown.append(client.post("/sign-in", data=data).text)
    for path in ("/", f"/pulls/site/{number}", "/api/incidents", f"/api/pulls/site/{number}"):
        answer = client.get(path)
        assert answer.status_code == 200
        shown.append(answer.text)
    app.extensions["intakebot"].readiness.close()
    settings = shop.settings
    away = replace(settings, git_url="http://127.0.0.1:9")
    refused = replace(settings, tokens={**settings.tokens, "bot": settings.tokens["web"] + "x"})
    for wrong in (away, refused):
        broken = build_house(wrong, bell=Rings())
        shop.house = replace(whole, forges=broken.forges, mirror=broken.mirror)
        shop.look_once(number)
        broken.database.close()
    shop.house = whole
    return shown


def shapes(login: str, secret: str) -> list[str]:
    pairs = (f"{who}:{secret}".encode() for who in (login, "intakebot"))
    return [secret, quote(secret, safe=""), *(base64.b64encode(pair).decode() for pair in pairs)]


def files_of(state: Path) -> list[Path]:
    """All that the house and the forge keep, but the file that is there to hold the secrets."""
    return [
        path
        for path in state.rglob("*")
        if path.is_file() and path.name != "secrets.toml" and "people" not in path.parts
    ]


# --- the program itself ---------------------------------------------------------------


def test_no_environment_puts_the_pages_into_debug_mode(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FLASK_DEBUG", "FLASK_ENV", "WERKZEUG_RUN_MAIN"):
        monkeypatch.setenv(name, "1")
    app = create_app(cast.shop.settings, cast.shop.house, dialects())
    assert not app.debug and not make_api(Layout(cast.shop.state)).debug
    client = app.test_client()
    assert client.get("/console").status_code == 404
    assert client.get("/?__debugger__=yes&cmd=resource&f=debugger.js").status_code == 302
    app.extensions["intakebot"].readiness.close()


def test_no_address_that_somebody_is_sent_to_comes_from_a_header(cast: Cast) -> None:
    app = create_app(cast.shop.settings, cast.shop.house, dialects())
    evil = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil"}
    answer = app.test_client().get("/pulls/site/1", headers=evil)
    assert answer.location == "/sign-in?next=/pulls/site/1"
    assert "evil" not in app.test_client().get("/sign-in", headers=evil).text
    app.extensions["intakebot"].readiness.close()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_part_of_the_program_is_named_by_version_and_hash(name: str) -> None:
    text = (ROOT / name).read_text("utf-8").replace("\\\n", " ")
    parts = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert len(parts) > 30
    for part in parts:
        assert re.match(r"[A-Za-z0-9._-]+==\S+ ", part), part
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", part), part
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert f"--require-hashes -r {name}" in makefile
