"""A command is obeyed only where a reader sees it said; what looks like one is reported."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intakebot.core.chat import TOO_LONG, TOO_MANY, Word, words

KNOWN = frozenset({"merge", "hold", "unhold", "status", "help", "retest", "ok-to-test"})

SPOKEN = {
    "/merge": ("merge", "", 1),
    "/merge \t": ("merge", "", 1),
    "/hold until  friday ": ("hold", "until  friday", 1),
    "/hold\tuntil friday": ("hold", "until friday", 1),
    "   /merge": ("merge", "", 1),
    "@intakebot hold a minute": ("hold", "a minute", 1),
    "Thanks!\n/merge": ("merge", "", 2),
    "Thanks!\r\n/merge\r\n": ("merge", "", 2),
    "Thanks!\r/merge": ("merge", "", 2),
    "Thanks!\\\n/merge": ("merge", "", 2),
    "/ok-to-test\n--\nAda": ("ok-to-test", "", 1),
    "> ada said so\n\n/merge": ("merge", "", 3),
    "* one\n* two\n/merge": ("merge", "", 3),
    "```\ncode\n```\n/merge": ("merge", "", 4),
    "<!-- note -->\n/merge": ("merge", "", 2),
    "use `git`\n/merge": ("merge", "", 2),
    "a < b\n/merge\nand c > d": ("merge", "", 2),
    "\u00a0\n/merge": ("merge", "", 2),
    "/hold `x`": ("hold", "`x`", 1),
    "/hold \u202egnp": ("hold", "\u202egnp", 1),
}

DEAF = {
    "fence": "```\n/merge\n```",
    "fence with a language": "```console\n/merge\n```",
    "tildes": "~~~\n/merge\n~~~",
    "long fence around a short one": "`````\n```\n/merge\n```\n/merge\n`````",
    "tildes inside backticks": "```\n~~~\n/merge\n~~~\n/merge\n```",
    "unclosed fence": "```\n\n/merge\n",
    "fence in a list": "- a\n  ```\n  /merge\n  ```",
    "fence in a quote": "> ```\n> /merge\n> ```",
    "indented": "    /merge",
    "tab": "\t/merge",
    "indented continuation": "see\n    /merge",
    "quote": "> /merge",
    "quote without a blank": ">/merge",
    "lazy quote": "> ada said\n/merge",
    "lazy quote in a list": "- > ada said\n/merge",
    "quote in a quote": ">> x\n/merge",
    "inline code over lines": "this `a\n/merge` that",
    "long inline code over lines": "this ``a ` b\n/merge\nc`` that",
    "inline code after a blank that only looks so": "\u00a0\n`a\n/merge`",
    "HTML comment": "<!--\n/merge\n-->",
    "HTML comment with empty lines": "<!--\n\n/merge\n\n-->",
    "unclosed HTML comment": "<!--\n\n/merge",
    "HTML comment in a paragraph": "see <!--\n/merge -->",
    "HTML block": "<div>\n/merge\n</div>",
    "HTML pre": "<pre>\n\n/merge\n\n</pre>",
    "HTML tag over lines": 'see <a title="\n/merge\n">x</a>',
    "link target": "[x](\n/merge)",
    "link title": '[x](y "\n/merge\n")',
    "link text": "[x\n/merge](y)",
    "image text": "![x\n/merge](y)",
    "link definition": "[x]:\n/merge",
    "list item": "- /merge",
    "in the middle": "please /merge",
    "bold": "**/merge**",
    "escaped": "\\/merge",
    "heading": "# /merge",
    "name of another": "@intakebots merge",
    "nothing": "",
    "a slash": "/",
    "slash, then a line": "/\nmerge",
}

NEAR = {
    "/MERGE": ("MERGE", "merge"),
    "/Merge": ("Merge", "merge"),
    "/merge-later": ("merge-later", "merge"),
    "/hold-until-the-end-of-the-week": ("hold-until-the-end-of-the-week", "hold"),
    "/merg": ("merg", "merge"),
    "/merge.": ("merge.", "merge"),
    "／merge": (r"\uff0fmerge", "merge"),
    "/ｍerge": (r"\uff4derge", "merge"),
    "/mer\u200bge": (r"mer\u200bge", "merge"),
    "\u200b/merge": (r"\u200b/merge", "merge"),
    "/merge\u00a0": (r"merge\xa0", "merge"),
    "\u00a0/merge": (r"\xa0/merge", "merge"),
    "/m\u0435rge": (r"m\u0435rge", "merge"),
    "/ok_to_test": ("ok_to_test", "ok-to-test"),
    "@intakebot merrge": ("merrge", "merge"),
    "@intakebot /merge": ("/merge", "merge"),
    "@Intakebot merge": ("merge", "merge"),
    "@intakebot: merge": ("merge", "merge"),
    "@intakebot frobnicate": ("frobnicate", ""),
    "@intakebot": ("", ""),
}

NO_COMMAND = [
    "/usr/bin/env python",
    "/etc",
    "/etc/passwd",
    "/path/to/file",
    "/merge/request",
    "/merge.txt",
    "//merge",
    "https://example.org/merge",
    "/2026-11-23",
    "2026/11/23",
    "23/11",
    "/frobnicate",
    "/api",
    "/* merge */",
    "@ada merge",
    "a@intakebot merge",
]


@pytest.mark.parametrize(("text", "said"), SPOKEN.items(), ids=map(ascii, SPOKEN))
def test_a_command_at_the_start_of_a_line_is_heard(text: str, said: tuple[str, str, int]) -> None:
    assert words(text, KNOWN) == (Word(*said, nearest=None),)


@pytest.mark.parametrize("text", DEAF.values(), ids=DEAF.keys())
def test_what_is_not_plainly_said_is_not_heard(text: str) -> None:
    assert words(text, KNOWN) == ()


@pytest.mark.parametrize(("text", "told"), NEAR.items(), ids=map(ascii, NEAR))
def test_what_looks_like_a_command_is_reported_and_not_obeyed(
    text: str, told: tuple[str, str]
) -> None:
    (word,) = words(text, KNOWN)
    assert (word.name, word.nearest) == told


@pytest.mark.parametrize("text", NO_COMMAND)
def test_paths_addresses_and_dates_are_left_in_peace(text: str) -> None:
    assert words(text, KNOWN) == ()


def test_the_bot_answers_to_the_name_it_is_given() -> None:
    assert words("@gate merge", KNOWN, bot="gate") == (Word("merge", "", 1, None),)
    assert words("@intakebot merge", KNOWN, bot="gate") == ()


def test_several_commands_come_in_the_order_they_were_said() -> None:
    heard = words("/hold\n\ntext\n@intakebot retest all\n/merge", KNOWN)
    assert [(word.name, word.line) for word in heard] == [("hold", 1), ("retest", 4), ("merge", 5)]


def test_more_commands_than_the_limit_are_dropped_and_the_last_word_says_so() -> None:
    heard = words("/status\n" * 5 + "/merge\n/hold", KNOWN)
    assert [word.name for word in heard] == ["status"] * 5 + [TOO_MANY]
    assert heard[-1].line == 6
    assert len(words("/status\n" * 5, KNOWN)) == 5


def test_a_command_behind_what_is_read_of_a_comment_is_dropped_and_the_last_word_says_so() -> None:
    text = "/hold\n\n" + "word word\n\n" * 5000
    assert words(text + "/merge", KNOWN)[-1].name == TOO_LONG
    assert [word.name for word in words(text + "/usr/bin/env", KNOWN)] == ["hold"]


def test_code_that_goes_on_behind_what_is_read_stays_deaf() -> None:
    text = "see `\n/merge\n" + "word\n" * 10_000 + "`"
    assert words(text, KNOWN) == (Word(TOO_LONG, "", 1, ""),)


HOSTILE = [
    *("/merge\n", "/zz\n\n", "/merg\n", "@intakebot x\n", "/////////\n", "\u200b", "\ufdfa"),
    *("[", "[a](", "[\n", "[a][", "[](<", "![", "[x](\n/m ", "[a]:\n", "/z [\n", "*a", "_ *"),
    *("`", "`` ` ", "a`\n", "/z `\n", "```\n", "\\", "<!--", "x <!-- ", "/z <!--\n", "<div>\n"),
    *("<![CDATA[", "x <?", "x <a ", "x <a b='", ">", "> \n", " - ", "- ", "- a\n", "a\n - ", "1. "),
    *("x\n", "\n", "\r", "\t", "/\u0301"),
]


ORDINARY = (
    "- Please see *this* [line](https://example.org/a), `then` read:\n\n/usr/bin/env says so\n\n"
    * 250
)[:16_384]


def _seconds(text: str) -> float:
    start = time.process_time()
    words(text, KNOWN)
    return time.process_time() - start


@pytest.fixture(scope="module")
def ordinary() -> float:
    return min(_seconds(ORDINARY) for _ in range(3))


@pytest.mark.parametrize("piece", HOSTILE, ids=map(ascii, HOSTILE))
@pytest.mark.parametrize("size", [16_000, 1_000_000])
def test_a_hostile_comment_costs_no_more_than_some_long_ones(
    piece: str, size: int, ordinary: float
) -> None:
    text = "see\n/merge " + piece * (size // len(piece))
    # Another try where one was too long: the machine may have been busy with something else.
    assert any(_seconds(text) < 60 * ordinary for _ in range(3))


BITS = [
    *("/merge", "/merg", "@intakebot", "\n", "\n\n", " ", "    ", "\t", "> ", "- ", "1. ", "`"),
    *("```", "~~~", "<!--", "-->", "<div>", "<a ", ">", "[x](", ")", "[x]:", '"', "\\", "\r"),
    *("---", "===", "\u00a0", "\u200b", "／", "\0", "\ud800", "\x0b", "\u2028", "x"),
]
MARKDOWN = st.lists(st.sampled_from(BITS) | st.text(max_size=5), max_size=40).map("".join)


@given(MARKDOWN)
def test_any_text_is_read_and_what_is_heard_stands_at_the_start_of_its_line(text: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for word in words(text, KNOWN, limit=1000):
        if word.nearest is None:
            said = lines[word.line - 1]
            assert len(said) - len(said.lstrip(" ")) <= 3
            assert said.lstrip(" ").startswith((f"/{word.name}", "@intakebot"))
        assert word.name.isascii()


@given(MARKDOWN, st.sampled_from("`~"), st.integers(3, 6), st.booleans())
def test_nothing_inside_a_fence_is_heard(text: str, mark: str, width: int, closed: bool) -> None:
    fence = mark * width
    inside = text.replace(mark * 3, "/merge")
    end = f"\n{fence}" if closed else ""
    assert words(f"{fence}\n{inside}\n/merge{end}", KNOWN) == ()


@given(MARKDOWN)
def test_nothing_inside_a_quote_is_heard(text: str) -> None:
    quoted = "\n".join(f"> {line}" for line in text.replace("\r", "\n").split("\n"))
    assert words(quoted, KNOWN) == ()
