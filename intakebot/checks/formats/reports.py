"""What the report formats share. A report is written by untrusted code: data, with bounds."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import TypeAdapter, ValidationError

from intakebot.model import Finding

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


def limited(found: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(islice(found, MAX_FINDINGS))


def problems_found(found: Sequence[Finding]) -> str:
    return "1 problem found" if len(found) == 1 else f"{len(found)} problems found"


def as_json(data: bytes, what: str) -> object:
    """Raises BadReport for anything but one whole JSON value."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadReport(f"not {what}: not whole JSON ({error})", data) from error


T = TypeVar("T")


def shaped(shape: TypeAdapter[T], value: object, data: bytes, what: str) -> T:
    """`value` as the shape has it; raises BadReport with the first place that does not fit."""
    try:
        return shape.validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "at its top"
        raise BadReport(f"not {what}: {place}: {first['msg']}", data) from error


def number(text: str) -> int:
    """A line or column as reports say it; 0 for what is none."""
    return int(text) if re.fullmatch(r"[0-9]{1,7}", text) else 0
