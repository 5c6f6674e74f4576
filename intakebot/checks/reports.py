"""What the report formats share. A report is written by untrusted code: data, with bounds."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote, urlsplit

MAX_FINDINGS = 2000
MESSAGE_CHARACTERS = 2000
TREE = "/work"
ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and cursor moves
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles, links and other strings
    r"|\x1b[ -/]*[0-~]?"
)
# Control characters but tab and newline, bidirectional overrides, and halves of surrogate pairs.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class BadReport(Exception):
    """Not a whole report of its format; shows how it begins."""

    def __init__(self, why: str, data: bytes) -> None:
        start = plain(data[:400].decode(errors="replace")).strip().splitlines()[:3]
        shown = "\n".join(start) or "(nothing)"
        super().__init__(f"{why}. It begins:\n{shown}")


def plain(text: str) -> str:
    return CONTROL.sub("", ESCAPE.sub("", text.replace("\r\n", "\n")))


def message(text: str) -> str:
    clean = plain(text).strip()
    if len(clean) <= MESSAGE_CHARACTERS:
        return clean
    return clean[: MESSAGE_CHARACTERS - 1] + "…"


def inside(path: str) -> str | None:
    """`path` or file URI as a path relative to the tree; None when it lies outside."""
    if path.startswith("file:"):
        path = unquote(urlsplit(path).path)
    if not path or plain(path) != path or "\n" in path:
        return None
    relative = posixpath.relpath(posixpath.join(TREE, path), TREE)
    return None if relative == "." or relative.split("/")[0] == ".." else relative
