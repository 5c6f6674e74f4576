"""The commands in a comment: `/name args` or `@intakebot name args` at the start of a line.

Markdown decides what is text: markdown-it reads the comment, and only lines of paragraphs (and
headings) outside quotes can command. Code, HTML, quotes and link targets are deaf. A command is
its exact ASCII token; what merely looks like one is reported, never obeyed.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import accumulate

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

TOO_MANY = "too-many"  # the name of the last Word when more commands than the limit were given
TOO_LONG = "too-long"  # the same when commands may stand behind what is read

# Some six pages, read in under half a second even when made of hostile Markdown.
READ = 16_384  # characters

_NAME_SHOWN = 60
_UNKNOWN_LOOKED_UP = 50  # finding the nearest is the dear part
_LINE = re.compile(r" {0,3}(?P<token>[^ \t]+)[ \t]*(?P<rest>.*)", re.DOTALL)
# Up to eight invisible or blank characters, then a slash or an at sign of any width.
_MAYBE = re.compile(r"^[^\w\n]{0,8}?[/@\uff0f\uff20\ufe6b]", re.MULTILINE)
# Blank to Python, not to Markdown: left alone, the parser would strip lines made of them away.
_OTHER_BLANK = re.compile(r"[^\S \t\n]")
_SLASH_WORD = re.compile(r"/([a-z0-9][a-z0-9_-]*)")


@dataclass(frozen=True, slots=True)
class Word:
    """One thing said to the bot, on a line counted from 1.

    `nearest` is None for a known command; else it is the one that may have been meant, or ""
    when none is near. The name of an unknown one is what was written, in ASCII with escapes.
    """

    name: str
    args: str
    line: int
    nearest: str | None


def words(
    text: str, known: Collection[str], *, bot: str = "intakebot", limit: int = 5
) -> tuple[Word, ...]:
    """What the comment says to the bot, in order; TOO_MANY or TOO_LONG may come last."""
    read, unread = _cut(text.replace("\r\n", "\n").replace("\r", "\n"))
    found: list[Word] = []
    dictionary = _Dictionary(known, bot)
    for number, line in _spoken(read):
        word = dictionary.word(number, line)
        if word is None:
            continue
        if len(found) == limit:
            return (*found, Word(TOO_MANY, "", number, ""))
        found.append(word)
    if dictionary.has_command(unread):
        found.append(Word(TOO_LONG, "", read.count("\n") + 1, ""))
    return tuple(found)


def _cut(text: str) -> tuple[str, str]:
    """What is read and what is not, parted at an empty line: inline code and tags end there."""
    if len(text) <= READ:
        return text, ""
    end = text.rfind("\n\n", 0, READ) + 1
    return text[:end], text[end:]


# --- which lines are spoken -----------------------------------------------------------


def _mark_text(state: StateInline, silent: bool) -> bool:
    """An inline rule that takes nothing: it notes each place where text is read."""
    if not silent and state.linkLevel == 0:
        state.env["text_at"].add(state.pos)
    return False


def _reader() -> MarkdownIt:
    # Paragraphs are read one by one, and only where a command may be: so no "inline" here. Images
    # are read as links, emphasis as text: both give the same places, and no second reading.
    reader = MarkdownIt("commonmark").disable(["inline", "emphasis", "image", "entity"])
    reader.inline.ruler.before("text", "mark_text", _mark_text)
    return reader


_READER = _reader()


def _spoken(text: str) -> Iterator[tuple[int, str]]:
    """Lines that may hold a command, with their numbers, and that Markdown shows as text."""
    if not _MAYBE.search(text):
        return
    lines = text.split("\n")
    quotes = 0
    for token in _READER.parse(_OTHER_BLANK.sub("\ufffd", text)):
        if token.type == "blockquote_open":
            quotes += 1
        elif token.type == "blockquote_close":
            quotes -= 1
        elif token.type == "inline" and token.map and not quotes:
            first, end = token.map
            candidates = [n for n in range(first, end) if _MAYBE.match(lines[n])]
            if candidates:
                deaf = _deaf_lines(token.content)
                yield from ((n + 1, lines[n]) for n in candidates if n - first not in deaf)


def _deaf_lines(paragraph: str) -> set[int]:
    """Lines, counted from 0, that start inside inline code, a tag, a link or its target."""
    text_at: set[int] = set()
    _READER.inline.parse(paragraph, _READER, {"text_at": text_at}, [])
    lines = paragraph.split("\n")
    starts = accumulate((len(line) + 1 for line in lines), initial=0)
    return {
        index
        for index, (start, line) in enumerate(zip(starts, lines, strict=False))
        if start + len(line) - len(line.lstrip(" \t")) not in text_at
    }


# --- what a line says -----------------------------------------------------------------


class _Dictionary:
    """The known commands, and the bot's name."""

    def __init__(self, known: Collection[str], bot: str) -> None:
        self.known = frozenset(known)
        self.sorted = sorted(known)
        self.address = f"@{bot}"
        self.looked_up = 0

    def word(self, number: int, line: str) -> Word | None:
        match = _LINE.fullmatch(line.rstrip(" \t"))
        if not match:
            return None
        token, rest = match["token"], match["rest"]
        if token[0] == "/" and token[1:] in self.known:
            return Word(token[1:], rest, number, None)
        if _folded(token).rstrip(":,") == self.address:
            return self._addressed(token == self.address, rest, number)
        return self._near(token, rest, number)

    def has_command(self, text: str) -> bool:
        """Whether a known command starts a line of it, be it text, code or quote."""
        names = "|".join(map(re.escape, self.sorted))
        spoken = rf"^ {{0,3}}(?:/|{re.escape(self.address)}[ \t]+)(?:{names})(?![^ \t\n])"
        return re.search(spoken, text, re.MULTILINE) is not None

    def _addressed(self, exactly: bool, rest: str, number: int) -> Word:
        name, args = _parted(rest)
        if exactly and name in self.known:
            return Word(name, args, number, None)
        return Word(_shown(name), args, number, self._nearest(_folded(name).lstrip("/")))

    def _near(self, token: str, rest: str, number: int) -> Word | None:
        """A single slash-word close to a command. Paths, addresses and dates are none."""
        match = _SLASH_WORD.fullmatch(_folded(token).rstrip(".,;:!?"))
        nearest = self._nearest(match[1]) if match else ""
        if not nearest:
            return None
        return Word(_shown(token.removeprefix("/")), rest, number, nearest)

    def _nearest(self, name: str) -> str:
        head = re.split(r"[-_]", name, maxsplit=1)[0]
        if head in self.known:
            return head
        self.looked_up += 1
        if self.looked_up > _UNKNOWN_LOOKED_UP:
            return ""
        return next(iter(difflib.get_close_matches(name, self.sorted, n=1)), "")


def _parted(rest: str) -> tuple[str, str]:
    match = _LINE.fullmatch(rest)
    return (match["token"], match["rest"]) if match else ("", "")


def _folded(token: str) -> str:
    """Lower-case ASCII of what the token looks like, up to the first blank of any kind."""
    compatible = unicodedata.normalize("NFKC", token[:_NAME_SHOWN])
    return "".join(compatible.split()[:1]).encode("ascii", "ignore").decode().lower()


def _shown(name: str) -> str:
    return name[:_NAME_SHOWN].encode("ascii", "backslashreplace").decode()
