"""Only JSON with one meaning, of bounded depth, that a database can keep, comes in."""

from __future__ import annotations

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intakebot.core.strict_json import BIGGEST, BadBody, loads

REFUSED = {
    "nothing": (b"", "empty"),
    "only blanks": (b"  \n", "not JSON"),
    "UTF-16 with its mark": ('{"a": 1}'.encode("utf-16"), "byte order mark"),
    "UTF-16 without": ('{"a": 1}'.encode("utf-16-le"), "NUL"),
    "UTF-32": ('{"a": 1}'.encode("utf-32-be"), "NUL"),
    "UTF-8 with a mark": (b'\xef\xbb\xbf{"a": 1}', "byte order mark"),
    "Latin-1": ('{"a": "é"}'.encode("latin-1"), "not UTF-8 at byte 7"),
    "raw surrogate": (b'"\xed\xa0\x80"', "not UTF-8"),
    "overlong slash": (b'"\xc0\xaf"', "not UTF-8"),
    "a key twice": (b'{"number": 1, "x": {}, "number": 2}', "'number' is given twice"),
    "a key twice, once escaped": (b'{"a": 1, "\\u0061": 2}', "'a' is given twice"),
    "a key twice, deep inside": (b'[[{"k": {"a": 1, "a": 1}}]]', "twice"),
    "NaN": (b"[NaN]", "NaN"),
    "Infinity": (b'{"a": Infinity}', "Infinity"),
    "minus Infinity": (b"-Infinity", "Infinity"),
    "a float beyond all bounds": (b"[1e999]", "1e999"),
    "one more than 64 bits": (b"[9223372036854775808]", "9223372036854775808"),
    "one less than 64 bits": (b"[-9223372036854775809]", "9223372036854775809"),
    "5,000 digits": (b"9" * 5000, "64 bits"),
    "100,000 opened lists": (b"[" * 100_000, "64 levels at character 64"),
    "100,000 opened objects": (b'{"a":' * 100_000, "64 levels"),
    "100,000 nested lists": (b"[" * 100_000 + b"]" * 100_000, "64 levels"),
    "half a pair": (b'["\\ud83d"]', "surrogate"),
    "half a pair in a key": (b'{"\\udc4b": 1}', "surrogate"),
    "pair the wrong way round": (b'"\\udc4b\\ud83d"', "surrogate"),
    "escaped NUL": (b'{"a": "x\\u0000y"}', "NUL"),
    "raw NUL": (b'{"a": "x\0y"}', "NUL at byte 8"),
    "raw newline in a string": (b'"a\nb"', "line 1"),
    "a second value": (b"{} {}", "Extra data"),
    "a comment": (b"{} // done", "Extra data"),
    "a comma too many": (b"[1,]", "not JSON"),
    "single quotes": (b"{'a': 1}", "not JSON"),
    "a form": (b"payload=%7B%7D", "not JSON"),
    "unclosed string": (b'"abc', "Unterminated"),
    "a lone backslash": (b'"\\', "Unterminated"),
}


@pytest.mark.parametrize(("body", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_plain_json_is_refused_with_one_sentence(body: bytes, why: str) -> None:
    with pytest.raises(BadBody) as refusal:
        loads(body)
    sentence = str(refusal.value)
    assert why in sentence
    assert sentence.isascii()
    assert sentence.isprintable()
    assert len(sentence) < 200


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"null", None),
        (b'\n {"a": [1, 2.5, true, null, "\\ud83d\\udc4b"]}\n', {"a": [1, 2.5, True, None, "👋"]}),
        (b"[9223372036854775807, -9223372036854775808]", [BIGGEST, -BIGGEST - 1]),
        (b"[-0, 1e2]", [0, 100.0]),
        (b'"[[[[{{{{ \\" ]]]"', '[[[[{{{{ " ]]]'),
        (b"[" * 64 + b"]" * 64, json.loads("[" * 64 + "]" * 64)),
    ],
)
def test_plain_json_is_read(body: bytes, value: object) -> None:
    assert loads(body) == value


def test_brackets_inside_strings_and_beside_each_other_are_not_depth() -> None:
    assert loads(b'["' + b"[" * 1000 + b'"' + b",[]" * 1000 + b"]") == ["[" * 1000] + [[]] * 1000


NESTED = st.recursive(
    st.text('"\\[]{}:,', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('"\\[]{}'), inner),
    max_leaves=12,
)


def deepest(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(deepest, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(deepest, value), default=0)
    return 0


@given(NESTED)
def test_depth_is_told_exactly_whatever_the_strings_hold(value: object) -> None:
    body, depth = json.dumps(value).encode(), deepest(value)
    assert loads(body, depth=depth) == value
    if depth:
        with pytest.raises(BadBody, match=f"deeper than {depth - 1} levels"):
            loads(body, depth=depth - 1)


def test_the_depth_is_the_callers_to_choose() -> None:
    assert loads(b"[[1]]", depth=2) == [[1]]
    with pytest.raises(BadBody, match="2 levels"):
        loads(b"[[[1]]]", depth=2)


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"0," * 1_000_000 + b"0]",
        b'"' + b'\\"' * 1_000_000,
        b'"' + b"\\u0041" * 300_000 + b'"',
        b"{" + b",".join(b'"%d":0' % n for n in range(200_000)) + b"}",
        b"9" * 2_000_000,
        b"1" * 1_000_000 + b".5",
    ],
    ids=["list", "quotes", "escapes", "keys", "digits", "float"],
)
def test_two_megabytes_are_answered_within_seconds(body: bytes) -> None:
    start = time.process_time()
    with suppress(BadBody):
        loads(body)
    assert time.process_time() - start < 3


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-BIGGEST - 1, BIGGEST)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abcé"), inner),
    max_leaves=20,
)


@given(JSON, st.booleans())
def test_whatever_json_can_say_comes_back_as_it_was(value: object, ascii_only: bool) -> None:
    assert loads(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


Pairs = tuple[tuple[str, "Pairs"], ...]
PAIRS: st.SearchStrategy[Pairs] = st.recursive(
    st.just(()),
    lambda inner: st.lists(st.tuples(st.sampled_from(["a", ":", '"', "é"]), inner)).map(tuple),
    max_leaves=8,
)


def told(pairs: Pairs, *, ascii_only: bool) -> str:
    inside = (
        f"{json.dumps(key, ensure_ascii=ascii_only)}: {told(value, ascii_only=ascii_only)}"
        for key, value in pairs
    )
    return "{" + ", ".join(inside) + "}"


def repeats(pairs: Pairs) -> bool:
    keys = [key for key, _ in pairs]
    return len(set(keys)) < len(keys) or any(repeats(value) for _, value in pairs)


@given(PAIRS, st.booleans())
def test_a_key_twice_in_any_object_is_refused_and_nothing_else(
    pairs: Pairs, ascii_only: bool
) -> None:
    body = told(pairs, ascii_only=ascii_only).encode()
    if repeats(pairs):
        with pytest.raises(BadBody, match="twice"):
            loads(body)
    else:
        assert loads(body) == json.loads(body)


@given(st.binary() | st.text('[]{}":,\\u0d8123e-.nulINaf \n').map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        value = loads(body)
    except BadBody:
        return
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
