"""A tool's fix as a small patch that `git apply` takes, for a comment."""

from __future__ import annotations

import re

from intakebot.core.patch import FilePatch
from intakebot.model import Fix

CONTEXT = 3  # unchanged lines around it, as git does
MOST_LINES = 30  # of what is taken out or put in; more is no small fix
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+@-]{1,300}")


def patch_of(path: str, fix: Fix, file: FilePatch) -> str:
    """With its lines from the diff; "" where they are not all there, or would not survive a
    comment: bytes that are no UTF-8, carriage returns, and characters that nobody sees."""
    span = range(fix.line, fix.end_line + 1)
    if len(span) > MOST_LINES or not PLAIN_PATH.fullmatch(path) or file.unended in span:
        return ""
    old = [_line(file, number) for number in span]
    if None in old:
        return ""
    kept = [text for text in old if text is not None]
    head, tail = kept[0][: fix.column - 1], kept[-1][fix.end_column - 1 :]
    new = f"{head}{fix.text}{tail}".split("\n")
    before, after = _around(file, fix.line, -1)[::-1], _around(file, fix.end_line, 1)
    shown = [*before, *kept, *new, *after]
    if kept == new or len(new) > MOST_LINES or not all(map(_survives, shown)):
        return ""
    if not after and (file.unended == fix.end_line + 1 or not _is_last(file, fix.end_line)):
        return ""  # git takes a patch without lines after it for one at the end of the file
    return _hunk(path, fix.line, before, kept, new, after)


def _hunk(
    path: str, line: int, before: list[str], old: list[str], new: list[str], after: list[str]
) -> str:
    while old and new and old[0] == new[0]:
        before, old, new = [*before, old[0]][-CONTEXT:], old[1:], new[1:]
        line += 1
    while old and new and old[-1] == new[-1]:
        after, old, new = [old[-1], *after][:CONTEXT], old[:-1], new[:-1]
    around = len(before) + len(after)
    start = line - len(before)
    head = f"@@ -{start},{around + len(old)} +{start},{around + len(new)} @@"
    body = [
        *(f" {text}" for text in before),
        *(f"-{text}" for text in old),
        *(f"+{text}" for text in new),
        *(f" {text}" for text in after),
    ]
    return "\n".join((f"--- a/{path}", f"+++ b/{path}", head, *body, ""))


def _line(file: FilePatch, number: int) -> str | None:
    """None where the diff does not show it, or it is no text."""
    text = file.added.get(number)
    text = file.kept.get(number) if text is None else text
    try:
        return None if text is None else text.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _around(file: FilePatch, line: int, step: int) -> list[str]:
    """Up to CONTEXT lines beside it, as far as the diff shows them; the nearest first."""
    found: list[str] = []
    for number in range(line + step, line + step * (CONTEXT + 1), step):
        text = _line(file, number)
        if text is None or number == file.unended:
            break
        found.append(text)
    return found


def _is_last(file: FilePatch, line: int) -> bool:
    """An added line with nothing shown behind it: git shows what is behind, if there is any."""
    return line in file.added


def _survives(text: str) -> bool:
    return all(char == "\t" or char.isprintable() for char in text)
