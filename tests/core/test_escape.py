"""What contributors write reaches people, and shells, as nothing but text."""

from __future__ import annotations

import subprocess
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from intakebot.core import escape

HOSTILE = st.one_of(
    st.text(st.characters()),
    st.text(st.sampled_from("`` \\*_[]()<>&#!@/|~-+=:.1ab\n\t\u202e\u200b\x1b\ud800")),
)
NAMES = [
    "$(id)",
    "a|b",
    "`id`",
    "a`b``c",
    "x\u202ey",
    "'; rm -rf ~ #",
    "-f",
    "\x1b[31m",
    " ",
    "@all",
]


def inline(markdown: str) -> list[Token]:
    """The inline tokens of a document that is one paragraph; anything else fails."""
    blocks = MarkdownIt("gfm-like", {"linkify": False}).parse(markdown)
    assert [block.type for block in blocks] == ["paragraph_open", "inline", "paragraph_close"]
    return blocks[1].children or []


@given(HOSTILE)
def test_any_text_becomes_exactly_one_code_span(text: str) -> None:
    tokens = inline(escape.code(text))

    assert [token.type for token in tokens] == ["code_inline"]
    assert tokens[0].content == (escape.visible(text, escape.CODE_LIMIT) or "(empty)")


@given(HOSTILE)
def test_code_is_one_bounded_line_in_which_everything_can_be_seen(text: str) -> None:
    shown = inline(escape.code(text))[0].content

    assert len(shown) <= 200
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


def test_bidirectional_and_escape_characters_are_written_out() -> None:
    assert escape.code("x\u202ey") == r"`x\u202ey`"
    assert escape.code("\x1b[31m") == r"`\x1b[31m`"
    assert escape.code("") == "`(empty)`"
    assert escape.code("a" * 500) == "`" + "a" * 199 + "…`"


@given(HOSTILE)
def test_any_text_inside_a_sentence_stays_plain_words(text: str) -> None:
    tokens = inline(f"Title: {escape.text(text)}.")

    assert {token.type for token in tokens} <= {"text", "text_special"}


@given(HOSTILE)
def test_any_text_at_the_start_of_a_line_stays_plain_words(text: str) -> None:
    escaped = escape.text(text)
    if not escaped:
        return

    assert {token.type for token in inline(escaped)} <= {"text", "text_special"}
    assert {token.type for token in inline(f"before\n{escaped}")} <= {
        "text",
        "text_special",
        "softbreak",
    }


@given(HOSTILE)
def test_words_read_as_they_were_written(text: str) -> None:
    shown = "".join(token.content for token in inline("x" + escape.text("x" + text)))

    wanted = escape.visible(" ".join(("x" + text).split()), escape.TEXT_LIMIT)
    assert shown.replace("\u2060", "") == "x" + wanted


@given(HOSTILE)
def test_text_never_mentions_links_refers_or_commands(text: str) -> None:
    shown = escape.text(text)

    assert not any(start in shown for start in ("://", "www."))
    assert not shown.startswith(("/", "!"))
    assert all(after == "\u2060" for at, after in pairwise(shown) if at == "@")


@pytest.mark.parametrize("words", ["@ada hello", "see #12", "https://evil.example", "www.x.io"])
def test_well_known_triggers_are_broken(words: str) -> None:
    assert words not in escape.text(words)


def test_a_command_at_the_start_of_a_line_is_deaf() -> None:
    assert not escape.text("  /merge").strip().startswith("/")


@given(HOSTILE)
def test_nothing_leaves_a_fence(text: str) -> None:
    tokens = MarkdownIt().parse(escape.fence(text, "sh"))

    assert [token.type for token in tokens] == ["fence"]
    assert tokens[0].info == "sh"


def test_a_fence_keeps_its_lines_and_tabs() -> None:
    assert escape.fence("a\n\tb\r\nc\x1b\n") == "```\na\n\tb\nc\\x1b\n```"
    assert escape.fence("```\nx") == "````\n```\nx\n````"


@settings(deadline=None, max_examples=60)
@given(st.lists(HOSTILE.filter(lambda text: "\0" not in text), min_size=1, max_size=20))
def test_a_shell_reads_back_any_text(texts: list[str]) -> None:
    command = "printf '%s\\0' " + " ".join(map(escape.shell, texts))

    assert _bash(command) == b"".join(_bytes(text) + b"\0" for text in texts)


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_branch_name_is_one_word_of_a_command(name: str) -> None:
    assert (
        _bash(f"printf '<%s>' refs/heads/{escape.shell(name)}") == f"<refs/heads/{name}>".encode()
    )


@given(HOSTILE)
def test_a_shell_word_is_one_line_in_which_everything_can_be_seen(text: str) -> None:
    assert not [c for c in escape.shell(text) if escape.is_unseen(c)]


def _bash(command: str) -> bytes:
    run = subprocess.run(
        ["bash", "-c", command.encode("utf-8")], capture_output=True, check=True, timeout=10
    )
    return run.stdout


def _bytes(text: str) -> bytes:
    """What the file system calls the text: lone surrogates stand for bytes that are not UTF-8."""
    return b"".join(
        bytes([ord(c) - 0xDC00])
        if 0xDC80 <= ord(c) <= 0xDCFF
        else c.encode("utf-8", "surrogatepass")
        for c in text
    )


def test_only_a_plain_web_address_becomes_a_link() -> None:
    assert escape.link("https://bitbucket.org/acme/site/fork") == (
        "<https://bitbucket.org/acme/site/fork>"
    )
    for wrong in ("javascript:alert(1)", "https://a.example/> <b>", "https://a@b/c", ""):
        assert not escape.link(wrong).startswith("<")
