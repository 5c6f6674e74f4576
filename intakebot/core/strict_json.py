"""JSON as strangers may send it: one meaning, bounded depth, values that can be stored.

The standard parser keeps the last of two equal keys, takes NaN and 1e999, and answers deep
nesting and long integers with its own errors. Here all of that is a BadBody, in linear time.
A fast parser reads what is plain; what is not is read by the standard one, to say why.
"""

from __future__ import annotations

import json
import math
import re
from itertools import accumulate
from typing import Any, NoReturn

from pydantic_core import from_json

BIGGEST = 2**63 - 1  # what SQLite and PostgreSQL keep as an integer

# A whole string (also one that never ends), or one bracket. Possessive: nothing is tried twice.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)

_SPACE = b" \t\n\r"  # what JSON lets stand between two tokens
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(set(range(256)) - set(_STEPS))


class BadBody(Exception):
    """One sentence: what is wrong with the body, and where."""


def loads(body: bytes, *, depth: int = 64) -> object:
    """The value in `body`; BadBody for all that is not plain JSON in UTF-8.

    `depth` is how many brackets may be open at once; above 500 the standard parser may give up.
    """
    text = _decoded(body)
    try:
        value: object = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        return _searched(body, text, depth)  # it says what is wrong, and where
    if "\\u0000" in text or not _is_plain(value, body, depth):
        return _searched(body, text, depth)
    return value


def _is_plain(value: object, body: bytes, depth: int) -> bool:
    """Whether nothing is left to look for. False also where that is hard to tell.

    The body has a quote and a colon for each member, with nothing but space between them, and may
    have more of them inside strings. So when the value has as many members as that, no object has
    lost one to a key given twice.
    """
    members = 0
    level: list[Any] = [value]
    for _ in range(depth):
        below: list[Any] = []
        for item in level:
            kind = type(item)  # asked first for what there is most of
            if kind is str:
                continue
            if kind is dict:
                members += len(item)
                below += item.values()
            elif kind is list:
                below += item
            elif kind is int:
                if not -BIGGEST - 1 <= item <= BIGGEST:
                    return False
            elif kind is float and math.isinf(item):
                return False
        if not below:
            return members == body.translate(None, _SPACE).count(b'":')
        level = below
    return False


def _searched(body: bytes, text: str, depth: int) -> object:
    """As `loads`, with the standard parser, which can be asked about every key and number."""
    if _deepest(body) > depth:
        _refuse_deep(text, depth)
    try:
        value: object = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        raise BadBody(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    if "\\u" in text:  # UTF-8 and the parser have refused both unless they are escaped
        _refuse_unstorable(value)
    return value


def _decoded(body: bytes) -> str:
    if not body:
        raise BadBody("The body is empty.")
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise BadBody("The body starts with a byte order mark; send plain UTF-8.")
    nul = body.find(0)
    if nul >= 0:
        raise BadBody(f"The body has a NUL at byte {nul}; send plain UTF-8.")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadBody(f"The body is not UTF-8 at byte {error.start}.") from None


def _deepest(body: bytes) -> int:
    """How many brackets are open at once, up to the first fault; a tenth of the exact search's
    time. What is behind a fault may be miscounted, and is never reached by the parser.
    """
    unescaped = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside_strings = b"".join(unescaped.split(b'"')[::2])
    steps = map(_STEPS.__getitem__, outside_strings.translate(None, _NO_BRACKETS))
    return max(accumulate(steps), default=0)


def _refuse_deep(text: str, limit: int) -> None:
    """Says where."""
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        first = text[match.start()]
        if first in "[{":
            depth += 1
            if depth > limit:
                raise BadBody(
                    f"The body nests deeper than {limit} levels at character {match.start()}."
                )
        elif first in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise BadBody(f"The key {_shown(key)} is given twice in one object.")
        seen.add(key)
    raise AssertionError("a dict is shorter than its pairs only when a key repeats")


def _integer(digits: str) -> int:
    # 19 digits and a sign hold the biggest; longer ones are not even converted.
    if len(digits) <= 20:
        number = int(digits)
        if -BIGGEST - 1 <= number <= BIGGEST:
            return number
    raise BadBody(f"The integer {_shown(digits)} does not fit into 64 bits.")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise BadBody(f"The number {_shown(digits)} is too large.")
    return number


def _constant(name: str) -> NoReturn:
    raise BadBody(f"{name} is not a JSON value.")


def _refuse_unstorable(value: object) -> None:
    """NUL and lone surrogates: databases and UTF-8 can't hold them."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, str):
            _refuse_characters(item)


def _refuse_characters(text: str) -> None:
    if "\0" in text:
        raise BadBody(f"The string {_shown(text)} holds a NUL.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadBody(
            f"The string {_shown(text)} holds half a surrogate pair at character {error.start}."
        ) from None


def _shown(text: str, width: int = 40) -> str:
    """ASCII, so that it can be logged whatever it holds."""
    return ascii(text if len(text) <= width else text[:width] + "...")
