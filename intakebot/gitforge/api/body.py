"""Request bodies: strict JSON, strictly typed fields. What is wrong is said in one sentence."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn, TypeVar

from flask import Request

LARGEST_BODY = 1024 * 1024
LONGEST_TEXT = 64 * 1024
LONGEST_LINE = 300
_OID = re.compile(r"[0-9a-f]{40}")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")  # fits SQLite's integers

_T = TypeVar("_T")


class ApiError(Exception):
    def __init__(self, status: int, sentence: str, **more: Any) -> None:
        super().__init__(sentence)
        self.status = status
        self.answer = {"error": sentence, **more}


def not_found() -> ApiError:
    return ApiError(404, "There is nothing here that you may read.")


def identifier(text: str) -> int:
    """An id or number in a path."""
    if not _NUMBER.fullmatch(text):
        raise not_found()
    return int(text)


def after(request: Request) -> int:
    text = request.args.get("after", "0")
    if text == "0":
        return 0
    if not _NUMBER.fullmatch(text):
        raise ApiError(400, "'after' must be a whole number, 0 or more.")
    return int(text)


def oid(text: str) -> str:
    if not _OID.fullmatch(text):
        raise ApiError(400, "A commit is named by its 40 small hexadecimal digits.")
    return text


class Fields:
    """A JSON object; every getter answers None for a field that is absent or null."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def only(self, *names: str) -> Fields:
        unknown = sorted(self._values.keys() - set(names))
        if unknown:
            known = ", ".join(names)
            raise ApiError(400, f"Unknown field {unknown[0][:40]!r}; the fields are {known}.")
        return self

    def text(self, name: str, longest: int = LONGEST_TEXT) -> str | None:
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or "\0" in value:
            raise ApiError(400, f"{name!r} must be text.")
        if len(value) > longest:
            raise ApiError(413, f"{name!r} is longer than {longest} characters.")
        return value

    def line(self, name: str) -> str | None:
        value = self.text(name, LONGEST_LINE)
        if value is not None and not value.isprintable():
            raise ApiError(400, f"{name!r} must be one line without control characters.")
        return value

    def oid(self, name: str) -> str | None:
        value = self.text(name)
        return None if value is None else oid(value)

    def identifier(self, name: str) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        if not _NUMBER.fullmatch(value):
            raise ApiError(400, f"{name!r} must be an id.")
        return int(value)

    def number(self, name: str) -> int | None:
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**31:
            raise ApiError(400, f"{name!r} must be a whole number above 0.")
        return value

    def flag(self, name: str) -> bool | None:
        value = self._values.get(name)
        if value is not None and not isinstance(value, bool):
            raise ApiError(400, f"{name!r} must be true or false.")
        return value

    def choice(self, name: str, *choices: str) -> str | None:
        value = self.text(name)
        if value is not None and value not in choices:
            raise ApiError(400, f"{name!r} must be one of {', '.join(choices)}.")
        return value


def needed(value: _T | None, name: str) -> _T:
    if value is None or value == "":
        raise ApiError(400, f"{name!r} is missing.")
    return value


def fields(request: Request) -> Fields:
    if request.mimetype != "application/json":
        raise ApiError(415, "Send JSON, with Content-Type: application/json.")
    if request.headers.get("Content-Encoding"):
        raise ApiError(415, "Send the body as it is, without a Content-Encoding.")
    try:
        body = request.get_data().decode("utf-8")
        values = json.loads(body, parse_constant=_no_constant, object_pairs_hook=_no_doubles)
        json.dumps(values, ensure_ascii=False).encode("utf-8")  # no lone surrogates
    except (ValueError, RecursionError):
        raise ApiError(400, "The body is not one valid JSON object in UTF-8.") from None
    if not isinstance(values, dict):
        raise ApiError(400, "The body must be a JSON object.")
    return Fields(values)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key comes twice")
    return values
