"""q, sort, fields and paging, as every list of the product takes them."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from intakebot.world.bitbucket_cloud.refusal import Refusal

Json = dict[str, Any]
_WORDS = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<op>!=|!~|>=|<=|=|~|>|<)|(?P<mark>[(),])"""
    r"""|(?P<word>[^\s"=!~<>(),]+))"""
)
_MISSING = object()


def page(
    values: list[Any],
    query: Mapping[str, str],
    base: str,
    *,
    most: int = 100,
    usual: int = 10,
    opaque: bool = False,
) -> Json:
    """One page; `base` is the list's own address. An opaque page can't be asked for by number."""
    length = _number(query.get("pagelen", str(usual)), "pagelen")
    if not 1 <= length <= most:
        raise Refusal(400, "Invalid pagelen")
    start = _opened(query["ctx"]) if opaque and "ctx" in query else 0
    number = _number(query.get("page", "1"), "page")
    if not opaque:
        start = (number - 1) * length
    shown: Json = {"pagelen": length, "values": values[start : start + length]}
    if not opaque:
        shown |= {"size": len(values), "page": number}
    if start + length < len(values):
        kept = {k: v for k, v in query.items() if k not in ("page", "ctx")}
        place = {"ctx": _closed(start + length)} if opaque else {"page": str(number + 1)}
        shown["next"] = f"{base}?{urlencode({**kept, **place})}"
    return shown


def _number(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise Refusal(400, f"Invalid {name}")
    return int(text)


def _closed(start: int) -> str:
    return base64.urlsafe_b64encode(f"at:{start}".encode()).decode()


def _opened(text: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(text).decode().removeprefix("at:"))
    except ValueError as error:
        raise Refusal(400, "Invalid page") from error


def chosen(values: Iterable[Json], query: Mapping[str, str]) -> list[Json]:
    """Filtered by q, sorted by sort."""
    found = list(values)
    if query.get("q"):
        wanted = _Query(query["q"]).condition()
        found = [one for one in found if wanted(one)]
    field = query.get("sort", "")
    if field:
        name = field.removeprefix("-")
        found.sort(key=lambda one: _order(at(one, name)), reverse=field.startswith("-"))
    return found


def at(one: Any, path: str) -> Any:
    for part in path.split("."):
        one = one.get(part, _MISSING) if isinstance(one, Mapping) else _MISSING
    return None if one is _MISSING else one


def _order(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, "")
    return (1, value) if isinstance(value, (int, float)) else (2, str(value))


Condition = Callable[[Json], bool]


class _Query:
    """The product's filter language: comparisons, AND, OR, brackets."""

    def __init__(self, text: str) -> None:
        self.words: list[tuple[str, str]] = []
        place = 0
        while text[place:].strip():
            found = _WORDS.match(text, place)
            if not found or found.lastgroup is None:
                raise Refusal(400, f"Invalid query: {text}")
            self.words.append((found.lastgroup, found[found.lastgroup]))
            place = found.end()
        self.text = text

    def condition(self) -> Condition:
        found = self._either()
        if self.words:
            raise self._bad()
        return found

    def _bad(self) -> Refusal:
        return Refusal(400, f"Invalid query: {self.text}")

    def _take(self, word: str) -> bool:
        if self.words and self.words[0][1].upper() == word:
            self.words.pop(0)
            return True
        return False

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._take("OR"):
            parts.append(self._both())
        return lambda one: any(part(one) for part in parts)

    def _both(self) -> Condition:
        parts = [self._single()]
        while self._take("AND"):
            parts.append(self._single())
        return lambda one: all(part(one) for part in parts)

    def _single(self) -> Condition:
        if self._take("("):
            inner = self._either()
            if not self._take(")"):
                raise self._bad()
            return inner
        if len(self.words) < 3 or self.words[1][0] != "op":
            raise self._bad()
        (_, field), (_, operator), (kind, raw) = (self.words.pop(0) for _ in range(3))
        wanted = _value(kind, raw)
        return lambda one: _compare(at(one, field), operator, wanted)


def _value(kind: str, raw: str) -> Any:
    if kind == "text":
        return re.sub(r"\\(.)", r"\1", raw[1:-1])
    plain: dict[str, Any] = {"null": None, "true": True, "false": False}
    if raw.lower() in plain:
        return plain[raw.lower()]
    if re.fullmatch(r"-?\d+", raw):
        return int(raw)
    return _moment(raw)


def _moment(raw: str) -> datetime:
    try:
        found = datetime.fromisoformat(raw)
    except ValueError as error:
        raise Refusal(400, f"Invalid value in query: {raw}") from error
    if found.tzinfo is None:
        raise Refusal(400, f"Invalid date in query: {raw}")
    return found


def _compare(value: Any, operator: str, wanted: Any) -> bool:
    if isinstance(wanted, datetime) and isinstance(value, str):
        value = datetime.fromisoformat(value)
    match operator:
        case "=":
            return bool(value == wanted)
        case "!=":
            return bool(value != wanted)
        case "~":
            return str(wanted).lower() in str(value or "").lower()
        case "!~":
            return str(wanted).lower() not in str(value or "").lower()
    if value is None or type(value) is not type(wanted):
        return False
    return bool(
        {">": value > wanted, ">=": value >= wanted, "<": value < wanted, "<=": value <= wanted}[
            operator
        ]
    )
