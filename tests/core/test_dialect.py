"""A dialect file tells how a forge speaks; a fault in it is named by file and key."""

from __future__ import annotations

import hmac
import json

import pytest

from intakebot.core.dialect import (
    BadDialect,
    Dialect,
    delivery_id,
    is_request,
    read_dialect,
    read_event,
    read_request,
    verify,
)
from intakebot.core.strict_json import BadBody
from intakebot.model import CommentRef, Event, Ignored, Kind, OperatorError

SHA = "0123456789abcdef0123456789abcdef01234567"

# As forges differ: events with colons, bare hex signatures, nested paths, list indexes.
FORGE = """
forge = "some-forge"

[signature]
scheme = "hmac-sha256"
header = "X-Hub-Signature"
prefix = ""

[delivery]
id    = "X-Request-UUID"
event = "X-Event-Key"

[event]
repo         = ["repository.uuid"]
number       = ["pullrequest.id", "check.pulls.0.number"]
sha          = ["pullrequest.source.commit.hash", "push.changes.0.new.target.hash"]
actor        = ["actor.account_id", "sender"]
comment_id   = ["comment.id"]
comment_text = ["comment.content.raw", "comment.body"]

[kinds]
"pullrequest:created"         = "pull"
"pullrequest:comment_created" = "comment"
"repo:push"                   = "push"
"check"                       = "status"
"""


def some_forge(**changes: str) -> Dialect:
    text = FORGE
    for old, new in changes.items():
        text = text.replace(old, new)
    return read_dialect("some-forge.toml", text)


def read(event: str, body: object) -> Event | Ignored:
    return read_event(some_forge(), {"X-Event-Key": event}, json.dumps(body).encode())


# --- the file -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "hmac-sha256",
            "hmac-md5",
            "signature.scheme: 'hmac-md5' is not known; known: hmac-sha256",
        ),
        ('"X-Hub-Signature"', '""', "signature.header: "),
        ('"X-Hub-Signature"', '"X-Hub: Signature"', "signature.header: "),
        ('header = "X-Hub-Signature"', "", "signature.header: "),
        ('"X-Event-Key"', "7", "delivery.event: "),
        ('["repository.uuid"]', "[]", "event.repo: "),
        ('["repository.uuid"]', '["repository..uuid"]', "event.repo.0: "),
        ('["repository.uuid"]', '"repository.uuid"', "event.repo: "),
        ("comment_text", "comment_txt", "event.comment_txt: "),
        ('= "push"', '= "shove"', "kinds.repo:push: "),
        ("[kinds]", "[kinds]\n[more]", "more: "),
        ('forge = "some-forge"', "", "forge: "),
        ('"some-forge"', '"other"', "forge: 'other' belongs in other.toml"),
        ('"some-forge"', '"../up"', "forge: "),
        ("[kinds]", '[[example]]\nrequest = "x"\n[kinds]', "example.0: say either"),
        ("[kinds]", "[kinds", "is not TOML"),
    ],
)
def test_a_fault_in_a_dialect_is_named_by_file_and_key(old: str, new: str, fault: str) -> None:
    assert old in FORGE
    with pytest.raises(BadDialect) as refusal:
        some_forge(**{old: new})
    assert f"some-forge.toml: {fault}" in str(refusal.value)


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(BadDialect) as refusal:
        some_forge(**{"hmac-sha256": "plain", '= "push"': '= "shove"'})
    assert len(str(refusal.value).splitlines()) == 2


# --- signature and id -----------------------------------------------------------------


def test_a_signature_without_a_prefix_is_verified() -> None:
    signature = hmac.digest(b"s3cret", b"{}", "sha256").hex()
    assert verify(some_forge(), {"x-hub-signature": signature}, b"{}", ["s3cret"])
    assert not verify(some_forge(), {"x-hub-signature": f"sha256={signature}"}, b"{}", ["s3cret"])


@pytest.mark.parametrize("secrets", [[], [""], ["good", ""], ["  "]])
def test_without_a_secret_nothing_is_verified_and_the_operator_is_told(secrets: list[str]) -> None:
    signature = hmac.digest(b"", b"{}", "sha256").hex()
    with pytest.raises(OperatorError, match="some-forge: the webhook secret"):
        verify(some_forge(), {"X-Hub-Signature": signature}, b"{}", secrets)


@pytest.mark.parametrize("given", [None, "", "x" * 201, "a\nb", "a\x1b[2J", "a\u202eb"])
def test_a_delivery_id_that_cannot_be_kept_counts_as_missing(given: str | None) -> None:
    headers = {} if given is None else {"X-Request-UUID": given}
    assert delivery_id(some_forge(), headers) is None
    assert delivery_id(some_forge(), {"x-request-uuid": "x" * 200}) == "x" * 200


# --- events ---------------------------------------------------------------------------


def test_a_deeply_nested_body_is_read_by_its_paths() -> None:
    body = {
        "repository": {"uuid": "{1-2}"},
        "pullrequest": {"id": 3, "source": {"commit": {"hash": SHA}}},
        "actor": {"account_id": 12},
        "comment": {"id": 9, "content": {"raw": "/merge"}},
    }
    assert read("pullrequest:comment_created", body) == Event(
        "some-forge", Kind.COMMENT, "{1-2}", 3, SHA, "12", CommentRef("9", "/merge")
    )


def test_the_first_path_that_resolves_wins_and_null_does_not_resolve() -> None:
    body = {
        "repository": {"uuid": 1},
        "pullrequest": None,
        "check": {"pulls": [{"number": 8}, {"number": 9}]},
        "actor": "a name, not an object",
        "sender": "ada",
    }
    assert read("check", body) == Event("some-forge", Kind.STATUS, "1", 8, None, "ada")


def test_an_empty_list_has_no_first_and_that_is_no_fault() -> None:
    body = {"repository": {"uuid": 1}, "check": {"pulls": []}, "push": {"changes": []}}
    assert read("repo:push", body) == Event("some-forge", Kind.PUSH, "1")


@pytest.mark.parametrize("body", [[], "text", 7, None, True, {}, {"repository": []}])
def test_a_body_without_a_repository_is_ignored(body: object) -> None:
    assert isinstance(read("repo:push", body), Ignored)


WRONG: dict[str, list[object]] = {
    "id": [{}, [], "3", 0, -1, 2**31, 1.0, True, None],
    "uuid": [{}, [], "", True, 1.5, "a\nb", "x" * 201, None],
    "hash": [
        {},
        "abcdef",
        "main-branch",
        SHA[:12].upper(),
        SHA.upper(),
        SHA + "0",
        SHA + "\n",
        7,
        False,
    ],
    "account_id": [{}, [], "", False, 0.5],
    "raw": [{}, [], 7, True],
    "comment": ["text", 7, True],
}


@pytest.mark.parametrize(
    ("place", "value"), [(place, bad) for place, values in WRONG.items() for bad in values]
)
def test_a_value_of_the_wrong_kind_makes_the_delivery_ignored_with_a_reason(
    place: str, value: object
) -> None:
    values = {"id": 3, "uuid": "1", "hash": SHA, "account_id": "2", "raw": "hello", place: value}
    comment = {"id": "5", "content": {"raw": values["raw"]}}
    body = {
        "repository": {"uuid": values["uuid"]},
        "pullrequest": {"id": values["id"], "source": {"commit": {"hash": values["hash"]}}},
        "actor": {"account_id": values["account_id"]},
        "comment": values.get("comment", comment),
    }
    found = read("pullrequest:comment_created", body)
    assert isinstance(found, Ignored)
    assert found.why


@pytest.mark.parametrize("length", [7, 12, 39])
def test_a_shortened_commit_id_is_taken_for_none_and_the_event_is_read(length: int) -> None:
    commit = {"commit": {"hash": SHA[:length]}}
    body = {"repository": {"uuid": "1"}, "pullrequest": {"id": 3, "source": commit}}
    assert read("pullrequest:created", body) == Event("some-forge", Kind.PULL, "1", 3)


def test_events_that_no_kind_is_given_for_are_ignored_by_name() -> None:
    assert read("repo:fork", {}) == Ignored("nothing is done on the event 'repo:fork'")
    assert read("x\n\u202e", {}) == Ignored(r"nothing is done on the event 'x\n\u202e'")
    assert read("", {}) == Ignored("the header X-Event-Key is missing")


def test_a_body_that_is_not_strict_json_is_refused_even_for_unknown_events() -> None:
    with pytest.raises(BadBody, match="twice"):
        read_event(some_forge(), {"X-Event-Key": "any"}, b'{"a": 1, "a": 2}')


# --- recorded requests ----------------------------------------------------------------


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_a_recorded_request_gives_its_headers_and_its_exact_body(end: bytes) -> None:
    body = b'{"a": "\r\n\r\n\xff"}\n\n'
    head = end.join([b"POST /hooks/git HTTP/1.1", b"X-One:  1 ", b"X-Two: a: b", b"", b""])
    assert is_request(head + body)
    assert read_request(head + body) == ({"X-One": "1", "X-Two": "a: b"}, body)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a recorded request"),
        (b'{"a": 1}\n\n', "not a recorded request"),
        (b"POST / HTTP/1.1\nA: b\n", "not a recorded request"),
        (b"POST / HTTP/1.1\nno colon\n\n", "not a header"),
        (b"POST / HTTP/1.1\nA: b\n folded: c\n\n", "not a header"),
        (b"POST / HTTP/1.1\nA: b\na: c\n\n", "given twice"),
        (b"POST / HTTP/1.1\nContent-Length: 2\n\n{}\n", "Content-Length says 2"),
    ],
)
def test_a_recording_that_is_damaged_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(OperatorError, match=why):
        read_request(data)
