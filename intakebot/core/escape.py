"""Text from contributors, made safe for Markdown and for a shell.

Escaping is for reading, not for reversing: what cannot be seen is written as `\\u202e`, and what
is too long ends in `…`. Nothing here mentions, links, commands or opens a new line.
"""

from __future__ import annotations

import re
import shlex
import unicodedata

CODE_LIMIT = 200  # characters
TEXT_LIMIT = 1_000

# Control, format (bidi, zero-width), surrogate, line and paragraph separators.
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Fillers and joiners that Unicode counts as letters, marks or symbols, and yet show nothing.
_UNSEEN_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_WORD_JOINER = "\u2060"  # shows nothing and takes no room


def is_unseen(char: str) -> bool:
    """True for what changes or hides text without showing itself; a plain space is seen."""
    category = unicodedata.category(char)
    return (
        category in _UNSEEN_CATEGORIES
        or char in _UNSEEN_LETTERS
        or (category == "Zs" and char != " ")
    )


def _visible_char(char: str) -> str:
    if not is_unseen(char):
        return char
    point = ord(char)
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def visible(text: str, limit: int | None = None) -> str:
    """One line in which every character can be seen, of at most `limit` characters."""
    pieces: list[str] = []
    length = 0
    for char in text:
        piece = _visible_char(char)
        length += len(piece)
        pieces.append(piece)
        if limit is not None and length > limit:
            return _cut(pieces, limit)
    return "".join(pieces)


def _cut(pieces: list[str], limit: int) -> str:
    """Drops whole pieces from the end, so that no escape is cut in two."""
    length = sum(map(len, pieces))
    while length > limit - 1:
        length -= len(pieces.pop())
    return "".join(pieces) + "…"


def _longest_run(char: str, text: str) -> int:
    return max(map(len, re.findall(f"{re.escape(char)}+", text)), default=0)


def code(text: str) -> str:
    """An inline code span that nothing can leave.

    `@` stays as it is: forges mention nobody from inside code, and people copy from here.
    """
    shown = visible(text, CODE_LIMIT) or "(empty)"
    # One more than the longest run, which can then neither close the span nor be its opening.
    ticks = "`" * (_longest_run("`", shown) + 1)
    # A code span loses one space from both ends, when it has both.
    touches = shown[0] in "` " or shown[-1] in "` "
    padding = " " if touches and shown.strip(" ") else ""
    return f"{ticks}{padding}{shown}{padding}{ticks}"


_MARKUP = re.compile(r"[\\`*_\[\]|~]")
_BLOCK_START = re.compile(r"^([-+#=:]|\d+(?=[.)]))")
_LINK_LIKE = re.compile(r"@|(?<=[#!])(?=\w)|:(?=//)|\.(?=\w)|(?<=[Ww])(?=\.)|^(?=[/!])")


def text(text: str) -> str:
    """Plain words inside Markdown, on one line.

    Mentions, bare links, references and commands are broken by an invisible word joiner.
    """
    words = visible(" ".join(text.split()), TEXT_LIMIT)
    words = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    words = _MARKUP.sub(lambda found: "\\" + found[0], words)
    words = _LINK_LIKE.sub(lambda found: found[0] + _WORD_JOINER, words)
    return _BLOCK_START.sub(_harmless_start, words)


def _harmless_start(found: re.Match[str]) -> str:
    """Without this, the first characters of a line could open a list, a heading or a rule."""
    return found[0] + "\\" if found[0].isdigit() else "\\" + found[0]


_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._~%!$&'*+,;=:@/?#-]*)?")


def link(address: str) -> str:
    """A link to a web address, shown as it is; anything that is none is shown as words."""
    return f"<{address}>" if _ADDRESS.fullmatch(address) else text(address)


def fence(text: str, language: str = "") -> str:
    """A fenced block. Line ends and tabs stay; other characters that cannot be seen are shown."""
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    body = "\n".join("\t".join(visible(part) for part in line.split("\t")) for line in lines)
    ticks = "`" * max(3, _longest_run("`", body) + 1)
    return f"{ticks}{re.sub(r'[^A-Za-z0-9+-]', '', language)}\n{body}\n{ticks}"


def shell(text: str) -> str:
    """One word of a POSIX shell command; of bash or zsh where something cannot be seen.

    NUL, which no argument can hold, becomes U+FFFD.
    """
    text = text.replace("\0", "\ufffd")
    if not any(is_unseen(char) for char in text):
        return shlex.quote(text)
    return "$'" + "".join(map(_ansi_c, text)) + "'"


def _ansi_c(char: str) -> str:
    """Bytes rather than \\u, which bash only knows in a UTF-8 locale."""
    if char in "\\'":
        return "\\" + char
    if is_unseen(char):
        return "".join(f"\\x{byte:02x}" for byte in _utf8(char))
    return char


def _utf8(char: str) -> bytes:
    """File names that are not UTF-8 come as lone surrogates and go back to their bytes."""
    try:
        return char.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return char.encode("utf-8", "surrogatepass")


def sheet_cell(text: str) -> str:
    """For CSV that a spreadsheet may open: a `'` before what it would compute."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") else text
