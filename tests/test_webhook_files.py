"""Every dialect in webhooks/ is shown by recordings, and every recording is read as it tells.

A new forge gets these tests by being there: `webhooks/<forge>.toml` and `webhooks/<forge>/`.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from intakebot import settings
from intakebot.cli.parse import parse
from intakebot.core import dialect as dialects
from intakebot.core import strict_json
from intakebot.core.dialect import Dialect, Example
from intakebot.model import CommentRef, Event, Ignored, Kind

SECRET = "test-secret"
FOLDER = settings.data_folder("webhooks")
DIALECTS = [dialects.read_dialect(name, text) for name, text in settings.dialect_files().items()]
EXAMPLES = [(dialect, example) for dialect in DIALECTS for example in dialect.examples]
each_example = pytest.mark.parametrize(
    ("dialect", "example"), EXAMPLES, ids=[example.request for _, example in EXAMPLES]
)


def recorded(example: Example) -> tuple[dict[str, str], bytes]:
    return dialects.read_request((FOLDER / example.request).read_bytes())


def signed_with(example: Example, *masters: str) -> Sequence[str]:
    """The secrets that hold at the address the recording was sent to."""
    nonce = dialects.recorded_nonce((FOLDER / example.request).read_bytes())
    return dialects.secrets_at(nonce, masters)


def told(dialect: Dialect, example: Example) -> Event | Ignored:
    """What the example says the recording is."""
    if example.event is None:
        return Ignored(example.ignored or "")
    fields: dict[str, Any] = dict(example.event)
    if "comment" in fields:
        fields["comment"] = CommentRef(**fields["comment"])
    return Event(forge=dialect.forge, **{**fields, "kind": Kind(fields["kind"])})


def test_every_recording_has_an_example_and_every_example_a_recording() -> None:
    files = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    shown = [example.request for _, example in EXAMPLES]
    named = {f"{dialect.forge}.toml" for dialect in DIALECTS}
    assert files - named == set(shown)
    assert len(shown) == len(set(shown))


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.forge)
def test_every_kind_that_is_acted_on_is_shown_and_so_is_one_that_is_not(dialect: Dialect) -> None:
    read = [told(dialect, example) for example in dialect.examples]
    shown = {event.kind for event in read if isinstance(event, Event)}
    assert shown == set(dialect.kinds.values())
    assert any(isinstance(event, Ignored) for event in read)


@each_example
def test_a_recording_is_named_after_its_event_and_its_case(
    dialect: Dialect, example: Example
) -> None:
    headers, _ = recorded(example)
    folder, _, file = example.request.partition("/")
    assert folder == dialect.forge
    assert file.startswith(headers[dialect.delivery.event].replace(":", "_") + "__")


@each_example
def test_a_recording_was_sent_to_an_address_of_its_forge(
    dialect: Dialect, example: Example
) -> None:
    line, _, _ = (FOLDER / example.request).read_bytes().partition(b"\n")
    assert re.fullmatch(rf"POST /hooks/{dialect.forge}(/[0-9a-f]{{32}})? HTTP/1.1", line.decode())


@each_example
def test_a_recording_is_verified_and_read_as_told(dialect: Dialect, example: Example) -> None:
    headers, body = recorded(example)
    assert dialects.verify(dialect, headers, body, signed_with(example, SECRET))
    assert dialects.delivery_id(dialect, headers)
    assert dialects.read_event(dialect, headers, body) == told(dialect, example)


@each_example
def test_the_command_line_parses_a_recording_with_the_forges_own_secret(
    dialect: Dialect, example: Example
) -> None:
    arguments = [dialect.forge, str(FOLDER / example.request), "--secret"]
    parsed = CliRunner().invoke(parse, [*arguments, SECRET])
    assert parsed.exit_code == 0, parsed.output
    event = {"forge": dialect.forge, **(example.event or {})}
    said = {"ignored": example.ignored} if example.event is None else event
    assert json.loads(parsed.stdout) == said
    assert CliRunner().invoke(parse, [*arguments, "another"]).exit_code == 1


@each_example
def test_header_names_are_read_in_any_case(dialect: Dialect, example: Example) -> None:
    headers, body = recorded(example)
    shouted = {name.upper(): value for name, value in headers.items()}
    assert dialects.verify(dialect, shouted, body, signed_with(example, SECRET))
    assert dialects.delivery_id(dialect, shouted) == dialects.delivery_id(dialect, headers)
    assert dialects.read_event(dialect, shouted, body) == told(dialect, example)


@each_example
def test_an_altered_body_is_refused(dialect: Dialect, example: Example) -> None:
    headers, body = recorded(example)
    for altered in (body + b"\n", body[:-1], body.replace(b"1", b"2", 1), b""):
        assert not dialects.verify(dialect, headers, altered, signed_with(example, SECRET))


@each_example
def test_a_missing_cut_or_foreign_signature_is_refused(dialect: Dialect, example: Example) -> None:
    headers, body = recorded(example)
    signature = headers.pop(dialect.signature.header)
    assert not dialects.verify(dialect, headers, body, signed_with(example, SECRET))
    digest = signature.removeprefix(dialect.signature.prefix)
    bad = ["", "sha256=", f"sha1={digest}", signature[:-1], signature + "0", f" {signature}"]
    bad += [signature.upper(), signature.replace(digest, digest.upper()), "é" * 71, "\ud800"]
    for other in (*bad, signature.replace(digest, "0" * len(digest))):
        forged = {**headers, dialect.signature.header: other}
        assert not dialects.verify(dialect, forged, body, signed_with(example, SECRET))


@each_example
def test_while_a_secret_is_rotated_the_new_and_the_old_one_both_hold(
    dialect: Dialect, example: Example
) -> None:
    headers, body = recorded(example)
    assert dialects.verify(dialect, headers, body, signed_with(example, SECRET, "older"))
    assert dialects.verify(dialect, headers, body, signed_with(example, "newer", SECRET))
    assert not dialects.verify(dialect, headers, body, signed_with(example, "newer", "older"))


# --- wrong types everywhere -----------------------------------------------------------

ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=5)
    | st.sampled_from(["", "1", "a" * 40, "x" * 300, "\u2028"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "text", "0", "name"]), inner)
    ),
    max_leaves=5,
)


def places(node: object, here: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield here
    inside: Iterator[tuple[Any, object]] = iter(())
    if isinstance(node, dict):
        inside = iter(node.items())
    elif isinstance(node, list):
        inside = iter(enumerate(node))
    for key, value in inside:
        yield from places(value, (*here, key))


def with_node(document: Any, place: tuple[str | int, ...], value: object) -> object:
    if not place:
        return value
    changed = copy.deepcopy(document)
    node = changed
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    return changed


@each_example
@given(data=st.data())
def test_whatever_stands_at_any_place_of_a_body_gives_a_sound_event_or_is_ignored(
    dialect: Dialect, example: Example, data: st.DataObject
) -> None:
    headers, body = recorded(example)
    document = json.loads(body)
    place = data.draw(st.sampled_from(list(places(document))))
    changed = with_node(document, place, data.draw(ANY_JSON))
    try:
        found = dialects.read_event(dialect, headers, json.dumps(changed).encode())
    except strict_json.BadBody as refusal:
        assert "NUL" in str(refusal)  # the one value drawn that is no strict JSON
        return
    if isinstance(found, Ignored):
        assert found.why
        return
    assert isinstance(found.repo, str)
    assert found.repo
    assert found.number is None or (type(found.number) is int and 1 <= found.number < 2**31)
    assert found.sha is None or len(found.sha) == 40
    assert found.actor is None or (isinstance(found.actor, str) and found.actor)
    assert found.comment is None or isinstance(found.comment.text, str)
