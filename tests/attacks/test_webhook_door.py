"""Signed deliveries that lie, come again, or speak nonsense: nothing follows from them (5.1)."""

from __future__ import annotations

import copy
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intakebot.core.dialect import hook_secret, read_request, recorded_nonce, secrets_at
from intakebot.web.app import create_app
from intakebot.wiring import dialects
from tests.attacks.cast import Cast, cast_in
from tests.web import cloud, served

SECRETS = {"git": (served.SECRET,), "bitbucket-cloud": (cloud.NEWER,)}


class Door:
    """The house of a cast, with its door; deliveries are signed as their forges sign them."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        settings = replace(cast.shop.settings, webhook_secrets=SECRETS)
        self.app = create_app(settings, cast.shop.house, dialects())
        self.count = 0

    def posts(self, place: str, body: bytes, headers: dict[str, str]) -> int:
        client: FlaskClient = self.app.test_client()
        return client.post(place, data=body, headers=headers).status_code

    def delivers(self, document: dict[str, Any], delivery: str = "") -> int:
        """What the Git forge would send."""
        self.count += 1
        body = json.dumps(document).encode()
        name = delivery or f"delivery-{self.count}"
        return self.posts(served.DOOR, body, served.signed(body, name, document["event"]))

    def event(self, kind: str, number: int, by: str, **more: Any) -> dict[str, Any]:
        shop = self.cast.shop
        account = {"id": self.cast.account(by), "login": by}
        repository = {"id": shop.repo_id, "name": "site"}
        return {"event": kind, "repository": repository, "number": number, "actor": account} | more

    def close(self) -> None:
        self.app.extensions["intakebot"].readiness.close()


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with cast_in(tmp_path_factory.mktemp("door")) as cast:
        made = Door(cast)
        yield made
        made.close()


def test_a_delivery_that_lies_lands_nothing_and_says_nothing(door: Door) -> None:
    """Signed, as with a secret that leaked: only what the forge itself shows counts."""
    shop, number = door.cast.shop, door.cast.opens()
    shop.settle()
    shop.settle()
    before = shop.branch("main"), shop.forge_seq(), shop.standing(number)
    head = shop.pull(number).head
    lies = [
        door.event("comment", number, "grace", comment={"id": "999", "text": "/approve\n/merge"}),
        door.event("review", number, "grace", sha=head, state="approved"),
        door.event("pull", number, "grace", sha="f" * 40, state="merged", head="f" * 40),
        door.event("push", number, "grace", sha="f" * 40, ref="refs/heads/main"),
        door.event("status", number, "grace", sha=head, state="success"),
        door.event("incident", number, "grace", ref="refs/heads/main"),
        door.event("pull", number + 1000, "ada"),
    ]
    assert [door.delivers(lie) for lie in lies] == [202] * len(lies)
    shop.settle()
    assert (shop.branch("main"), shop.forge_seq(), shop.standing(number)) == before


def test_a_captured_delivery_sent_again_under_any_name_changes_nothing(door: Door) -> None:
    """The signature covers the body alone, so that whoever has one may name it as they like."""
    shop, number = door.cast.shop, door.cast.opens()
    comment = shop.say(door.cast.ada, number, "/status")
    told = door.event("comment", number, "ada", comment={"id": comment, "text": "/status"})
    assert door.delivers(told, "captured") == 202
    shop.settle()
    shop.settle()
    before = shop.forge_seq(), shop.receipts()
    assert door.delivers(told, "captured") == 200
    assert [door.delivers(told, f"again-{number}") for number in range(5)] == [202] * 5
    shop.settle()
    assert (shop.forge_seq(), shop.receipts()) == before


def test_a_command_that_is_gone_before_it_is_read_is_not_obeyed(door: Door) -> None:
    """The delivery still tells of it; the forge no longer does."""
    shop, number = door.cast.shop, door.cast.approved()
    before = shop.branch("main")
    comment = shop.say(door.cast.grace, number, "/merge")
    shop.delete(door.cast.grace, number, comment)
    told = door.event("comment", number, "grace", comment={"id": comment, "text": "/merge"})
    assert door.delivers(told) == 202
    shop.settle()
    assert shop.branch("main") == before and shop.standing(number) == "ready"


# --- whose secret opens what ----------------------------------------------------------

PLACES = {
    "git": (served.DOOR, "X-Intakebot-Signature"),
    "bitbucket": (cloud.DOOR, "X-Hub-Signature"),
    "hook": (cloud.HOOK, "X-Hub-Signature"),
    "other hook": (f"{cloud.DOOR}/{'0' * 32}", "X-Hub-Signature"),
}
KEYS = {
    "git": served.SECRET,
    "bitbucket": cloud.NEWER,
    "hook": hook_secret(cloud.NEWER, cloud.NONCE),
    "other hook": hook_secret(cloud.NEWER, "0" * 32),
    "of git, derived": hook_secret(served.SECRET, cloud.NONCE),
    "empty": "",
}
BODY = b'{"repository": {"id": "1", "uuid": "{1}"}, "number": 1, "pullrequest": {"id": 1}}'


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("key", KEYS)
def test_each_secret_opens_its_own_door_alone(door: Door, place: str, key: str) -> None:
    """With every header that either forge sends, so that neither is taken for the other."""
    signature = f"sha256={hmac.digest(KEYS[key].encode(), BODY, 'sha256').hex()}"
    headers = {
        **served.signed(BODY, f"{place} by {key}"),
        **cloud.signed(BODY, f"{place} by {key}"),
        "X-Intakebot-Signature": signature,
        "X-Hub-Signature": signature,
    }
    path, _ = PLACES[place]
    assert door.posts(path, BODY, headers) == (202 if place == key else 401)


# --- nonsense -------------------------------------------------------------------------

RECORDED = sorted([*served.RECORDINGS.glob("*.http"), *cloud.RECORDINGS.glob("*.http")])
ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**18, -1, 0, 1.5, "", "x" * 5_000, "\u202e\x1b[31m", [], {}, [[]], [{}]]),
    st.text(max_size=20),
)


def spots(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every value in it."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from spots(value, (*path, key))


def spoilt(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    other = copy.deepcopy(document)
    place = other
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return other


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_stands_wherever_in_a_delivery_is_no_fault_of_ours(
    door: Door, data: st.DataObject
) -> None:
    recording = data.draw(st.sampled_from(RECORDED)).read_bytes()
    headers, body = read_request(recording)
    document = json.loads(body)
    path = data.draw(st.sampled_from(list(spots(document))))
    body = json.dumps(spoilt(document, path, data.draw(ODD))).encode()
    door.count += 1
    address = recording.split()[1].decode()
    forge = "git" if address.startswith(served.DOOR) else "bitbucket-cloud"
    key = secrets_at(recorded_nonce(recording), SECRETS[forge])[0].encode()
    signature = f"sha256={hmac.digest(key, body, 'sha256').hex()}"
    name = {"X-Intakebot-Delivery": f"fuzz-{door.count}", "X-Request-UUID": f"fuzz-{door.count}"}
    signed = {"X-Intakebot-Signature": signature, "X-Hub-Signature": signature, **name}
    sent = {key: value for key, value in headers.items() if key not in ("Host", "Content-Length")}
    assert door.posts(address, body, {**sent, **signed}) in (202, 400)
