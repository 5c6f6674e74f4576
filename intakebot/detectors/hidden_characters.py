"""Characters that nobody sees: a line may read otherwise than it works (CVE-2021-42574).

What writing itself needs is let through: joiners inside emoji and between letters of scripts that
join, direction marks around right-to-left text in prose, a byte order mark at the very start.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from intakebot.detectors.signs import in_text, signs

# What each of them has in UTF-8. Dashes, quotes and bullets, which begin alike, do not.
SIGNS = signs(
    rb"\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf|\xef\xbf[\xb9-\xbb]"
    rb"|\xe1\xa0\x8e|\xf3\xa0[\x80-\x87]"
)
HIDDEN = re.compile(
    "[\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]|[\U000e0100-\U000e01ef]{4,}"
)
OVERRIDES = "\u202d\u202e"
# A direction that is opened, and what closes it again.
OPENING = {
    **dict.fromkeys("\u202a\u202b", "\u202c"),
    **dict.fromkeys("\u2066\u2067\u2068", "\u2069"),
}
CLOSING = "\u202c\u2069"
MARKS = "\u200e\u200f"
JOINERS = "\u200c\u200d"
# Arabic to N'Ko, the scripts of India and their neighbours, Khmer and Mongolian.
JOINING_SCRIPTS = (("\u0600", "\u07ff"), ("\u0900", "\u109f"), ("\u1780", "\u18af"))
FLAG, TAGS, TAG_END = "\U0001f3f4", "".join(map(chr, range(0xE0020, 0xE007F))), "\U000e007f"
LONGEST_FLAG = 6  # tags: a region's code
PROSE = (".html", ".htm", ".md", ".txt", ".po", ".rst", ".adoc", ".xliff", ".json", ".yml", ".yaml")
SHOWN = 3
MOST_IN_LINE = (
    1000  # characters looked at; a line with more of them is hidden text through and through
)


def suspects(data: bytes) -> bool:
    return in_text(SIGNS, data)


def detect(path: str, data: bytes) -> Iterator[tuple[int, str]]:
    if not suspects(data):
        return
    prose = path.lower().endswith(PROSE)
    for number, raw in enumerate(data.split(b"\n"), 1):
        if SIGNS.search(raw) is None:
            continue
        line = raw.decode("utf-8", "replace")
        if number == 1:
            line = line.removeprefix("\ufeff")
        found = dict.fromkeys(_name(char) for char in _hidden(line, prose))
        if found:
            yield number, ", ".join(list(found)[:SHOWN])


def _hidden(line: str, prose: bool) -> Iterator[str]:
    turned = prose and _is_right_to_left(line) and _is_balanced(line)
    for count, match in enumerate(HIDDEN.finditer(line)):
        char, at = match[0][0], match.start()
        before, after = (
            line[max(0, at - LONGEST_FLAG - 1) : at],
            line[match.end() : match.end() + 1],
        )
        if count < MOST_IN_LINE and _is_needed(char, before, after, turned):
            continue
        yield char


def _is_needed(char: str, before: str, after: str, turned: bool) -> bool:
    if char in JOINERS:
        return _joins(before[-1:], after)
    if char in MARKS or char in OPENING or char in CLOSING:
        return turned and char not in OVERRIDES
    return char in TAGS + TAG_END and before.rstrip(TAGS).endswith(FLAG)


def _joins(before: str, after: str) -> bool:
    if not before or not after:
        return False
    return (_is_pictured(before) and _is_pictured(after)) or _joined(before) or _joined(after)


def _is_pictured(char: str) -> bool:
    return unicodedata.category(char) in ("So", "Sk") or char == "\ufe0f"


def _joined(char: str) -> bool:
    return any(first <= char <= last for first, last in JOINING_SCRIPTS)


def _is_right_to_left(line: str) -> bool:
    return any(unicodedata.bidirectional(char) in ("R", "AL") for char in line)


def _is_balanced(line: str) -> bool:
    """Each opened direction is closed on its line, and none is overridden."""
    waiting: list[str] = []
    for char in line:
        if char in OVERRIDES:
            return False
        if char in OPENING:
            waiting.append(OPENING[char])
        elif char in CLOSING and (not waiting or waiting.pop() != char):
            return False
    return not waiting


def _name(char: str) -> str:
    name = unicodedata.name(char, "")
    return f"U+{ord(char):04X}{f' {name}' if name else ''}"
