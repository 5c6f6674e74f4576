"""Values at dotted paths of a webhook's body, each of the kind that is looked for."""

from __future__ import annotations

import re

ID_LENGTH = 200
_BIGGEST_NUMBER = 2**31 - 1
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHORT_COMMIT = re.compile(r"[0-9a-f]{7,39}")

Paths = tuple[str, ...]


class Unreadable(Exception):
    """Why a delivery can't be read as an event."""


def is_plain(text: str) -> bool:
    """Whether it can be kept in a database and printed in a log as it is."""
    return 0 < len(text) <= ID_LENGTH and text.isprintable()


def find_id(document: object, paths: Paths) -> str | None:
    """Text or a whole number, as text. Raises Unreadable for anything else that is there."""
    path, value = _find(document, paths)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and is_plain(value):
        return value
    raise Unreadable(f"{path} is not an id")


def find_number(document: object, paths: Paths) -> int | None:
    path, value = _find(document, paths)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _BIGGEST_NUMBER:
        return value
    raise Unreadable(f"{path} is not the number of a pull request")


def find_commit(document: object, paths: Paths) -> str | None:
    """A full commit id. A shortened one (Bitbucket Cloud) counts as none: it names no commit."""
    path, value = _find(document, paths)
    if value is None:
        return None
    if isinstance(value, str) and _COMMIT.fullmatch(value):
        return value
    if isinstance(value, str) and _SHORT_COMMIT.fullmatch(value):
        return None
    raise Unreadable(f"{path} is not a commit id")


def find_text(document: object, paths: Paths) -> str | None:
    path, value = _find(document, paths)
    if value is None or isinstance(value, str):
        return value
    raise Unreadable(f"{path} is not text")


def _find(document: object, paths: Paths) -> tuple[str, object]:
    """The first of the paths that resolves, and what is there; null is as good as absent."""
    blocked: Unreadable | None = None
    for path in paths:
        try:
            value = _walk(document, path)
        except Unreadable as unreadable:
            blocked = unreadable
            continue
        if value is not None:
            return path, value
    if blocked:
        raise blocked
    return "", None


def _walk(document: object, path: str) -> object:
    value = document
    for step in path.split("."):
        if value is None:
            return None
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal():
            value = value[int(step)] if int(step) < len(value) else None
        else:
            raise Unreadable(f"{path}: there is no {step!r} in a {type(value).__name__}")
    return value
