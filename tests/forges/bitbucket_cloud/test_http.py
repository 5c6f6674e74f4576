"""The session with the REST API: what is shown, followed, waited for and refused."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from intakebot.forges.bitbucket_cloud.advice import SCOPES
from intakebot.forges.bitbucket_cloud.allowance import LISTS_LEAVE, LOOKS_LEAVE
from intakebot.forges.bitbucket_cloud.http import LARGEST, POLLS, Api
from intakebot.forges.bitbucket_cloud.words import Purpose, Token
from intakebot.model import OperatorError, TryLater
from tests.forges.bitbucket_cloud.scripted import Say, Script, scripted

API = Token("api", "bot@example.org", "ATATT-secret", "BITBUCKET_TOKEN")
ACCESS = Token("access", "", "ATCTT-secret")
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def api(script: Script, token: Token = ACCESS, waits: list[float] | None = None) -> Api:
    return Api(script.url, lambda _: token, lambda: NOON, (waits or []).append)


def test_an_api_token_is_shown_with_its_email_and_others_as_bearers() -> None:
    with scripted(Say(body={})) as script:
        api(script, API).get("/user")
        api(script, ACCESS).get("/user")
    pair = base64.b64encode(b"bot@example.org:ATATT-secret").decode()
    assert script.shown == [f"Basic {pair}", "Bearer ATCTT-secret"]


def test_a_new_token_is_used_from_the_next_request_on() -> None:
    tokens = [Token("access", "", "old"), Token("access", "", "new")]
    asked: list[Purpose] = []

    def next_token(purpose: Purpose) -> Token:
        asked.append(purpose)
        return tokens.pop(0)

    with scripted(Say(body={})) as script:
        rotating = Api(script.url, next_token, lambda: NOON)
        rotating.get("/user")
        rotating.get("/user")
    assert script.shown == ["Bearer old", "Bearer new"]
    assert asked == ["read", "read"]


def test_a_token_tells_its_secret_to_no_log() -> None:
    assert "secret" not in repr(API)
    assert "secret" not in API.fingerprint + API.counted_by + ACCESS.counted_by
    assert API.email not in API.counted_by


@pytest.mark.parametrize("kind", ["api", "access", "oauth"])
def test_a_401_says_which_token_to_make_where_and_with_which_scopes(kind: str) -> None:
    token = Token(kind, "bot@example.org", "x", "the file bot-token")  # type: ignore[arg-type]
    with scripted(Say(401, {})) as script, pytest.raises(OperatorError) as refused:
        api(script, token).get("/user")
    said = str(refused.value)
    assert "the file bot-token" in said
    scopes = ("Account: Read", "Pull requests: Write") if kind == "oauth" else SCOPES
    assert all(scope in said for scope in scopes)
    place = {"api": "api-tokens", "access": "Access tokens", "oauth": "OAuth consumers"}
    assert place[kind] in said and "app password" not in said


def test_a_401_for_an_app_password_says_that_there_are_none_any_more() -> None:
    with scripted(Say(401, {})) as script, pytest.raises(OperatorError, match="app password"):
        api(script, Token("api", "bot@example.org", "ATBBx")).get("/user")


def test_a_403_says_what_the_product_said_and_the_cure() -> None:
    body = {"type": "error", "error": {"message": "Your credentials lack\u202e scopes"}}
    with scripted(Say(403, body)) as script, pytest.raises(OperatorError) as refused:
        api(script).get("/user")
    assert "lack\\u202e scopes" in str(refused.value) and "scopes read:user" in str(refused.value)


@pytest.mark.parametrize(
    ("say", "after"),
    [
        (Say(429, {}, {"Retry-After": "17"}), 17.0),
        (Say(429, {}), 60.0),
        (Say(429, b"<html>", {"Retry-After": "soon"}), 60.0),
        (Say(555, {}), 15.0),
        (Say(503, b"<html>", {"Retry-After": "1"}), 15.0),
        (Say(200, b"<!DOCTYPE html>"), 15.0),
        (Say(409, {"error": {"message": "moved"}}), 5.0),
        (Say(cut=True), 5.0),
    ],
    ids=["429", "429-bare", "429-odd", "555", "503", "html", "409", "cut"],
)
def test_what_the_product_cannot_do_now_is_tried_later(say: Say, after: float) -> None:
    with scripted(say) as script, pytest.raises(TryLater) as put_off:
        api(script).ask("POST", "/x", {})
    assert put_off.value.after == after
    assert len(script.asked) == 1


def test_a_forge_that_is_away_is_tried_later() -> None:
    away = Api("http://127.0.0.1:9/2.0", lambda _: ACCESS, lambda: NOON)
    with pytest.raises(TryLater, match="does not answer"):
        away.get("/user")


def test_only_reads_are_sent_again_when_their_answer_is_lost() -> None:
    with scripted(Say(cut=True), Say(body={"ok": True})) as script:
        assert api(script).get("/user") == {"ok": True}
    assert script.asked == ["GET /2.0/user"] * 2
    with scripted(Say(cut=True), Say(body={"ok": True})) as script, pytest.raises(TryLater):
        api(script).ask("POST", "/x", {})
    assert script.asked == ["POST /2.0/x"]


def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    huge = Say(body=b"[" + b" " * (LARGEST + 1) + b"]")
    with scripted(huge) as script, pytest.raises(TryLater, match="over 16 MB") as put_off:
        api(script).get("/x")
    assert put_off.value.after == 600


@pytest.mark.parametrize("body", [b"[1, 2]", b'"text"', b"null", b"", b"[" * 100_000])
def test_what_is_no_object_is_not_taken_for_one(body: bytes) -> None:
    with scripted(Say(body=body)) as script, pytest.raises(TryLater):
        api(script).get("/x")


def test_reads_follow_redirects_within_the_api_and_show_the_token_nowhere_else() -> None:
    with scripted(Say(body={})) as elsewhere:
        moved = Say(302, None, {"Location": "/2.0/there"})
        with scripted(moved, Say(body={"ok": True})) as script:
            assert api(script).get("/here") == {"ok": True}
            assert script.asked == ["GET /2.0/here", "GET /2.0/there"]
            assert script.shown == ["Bearer ATCTT-secret"] * 2
        away = Say(302, None, {"Location": f"{elsewhere.url}/there"})
        with scripted(away) as script, pytest.raises(OperatorError, match="not below"):
            api(script).get("/here")
        with scripted(away) as script, pytest.raises(OperatorError):
            api(script).ask("POST", "/here", {})
    assert elsewhere.asked == []


def test_pages_are_followed_to_the_end_on_the_same_host_only() -> None:
    with scripted(Say(body={})) as script:
        first = Say(body={"values": [{"id": 1}], "next": f"{script.url}/x?page=2"})
        script.answers[:] = [first, Say(body={"values": [{"id": 2}]})]
        assert [one["id"] for one in api(script).pages("/x?pagelen=1")] == [1, 2]
        assert script.asked == ["GET /2.0/x?pagelen=1", "GET /2.0/x?page=2"]
        script.answers[:] = [first]
        with pytest.raises(TryLater, match="circle"):
            api(script).pages("/x?page=2")
        script.answers[:] = [Say(body={"values": [], "next": "http://evil.example/2.0/x"})]
        with pytest.raises(OperatorError, match="not below"):
            api(script).pages("/x")


def test_a_list_without_end_is_given_up() -> None:
    with scripted(Say(body={})) as script:
        pages = [Say(body={"values": [], "next": f"{script.url}/x?page={n}"}) for n in range(100)]
        script.answers[:] = pages
        with pytest.raises(OperatorError, match="more than 60 pages"):
            api(script).pages("/x")


def test_work_that_goes_on_after_a_202_is_waited_for_and_not_forever() -> None:
    taken = Say(202, None, {"Location": "/2.0/task/1"})
    pending, done = Say(body={"task_status": "PENDING"}), Say(body={"task_status": "SUCCESS"})
    waits: list[float] = []
    with scripted(taken, pending, pending, done) as script:
        patient = Api(script.url, lambda _: ACCESS, lambda: NOON, waits.append)
        assert patient.ask("POST", "/merge", {}).body == {"task_status": "SUCCESS"}
        assert script.asked == ["POST /2.0/merge", *["GET /2.0/task/1"] * 3]
    assert len(waits) == 2
    with scripted(taken, pending) as script, pytest.raises(TryLater, match="still at work"):
        Api(script.url, lambda _: ACCESS, lambda: NOON, waits.append).ask("POST", "/merge", {})
    assert len(waits) == 2 + POLLS


def test_accepted_statuses_come_back_with_the_products_reason() -> None:
    with scripted(Say(404, {"error": {"message": "nothing"}})) as script:
        assert api(script).find("/x") is None
        assert api(script).ask("GET", "/x", accept=(404,)).status == 404
        with pytest.raises(OperatorError, match="nothing"):
            api(script).get("/x")


def test_reads_that_can_wait_stop_before_the_product_has_to_say_so() -> None:
    times = [NOON]
    with scripted(Say(body={"values": []}, headers={"X-RateLimit-Limit": "20"})) as script:
        counted = Api(script.url, lambda _: ACCESS, lambda: times[-1])
        assert counted.left() == 1_000
        for _ in range(18):
            counted.get("/x")
        assert counted.left() == 2
        times.append(NOON + timedelta(minutes=55))
        with pytest.raises(TryLater, match="18 of 20") as put_off:
            counted.pages("/x", leave=LISTS_LEAVE)
        assert put_off.value.after == 300
        counted.get("/x")
        assert counted.left() == 1
        times.append(NOON + timedelta(minutes=61))
        assert counted.left() == 19
        assert counted.pages("/x", leave=LISTS_LEAVE) == []


def test_reads_that_can_wait_stop_when_the_product_says_that_the_limit_is_near() -> None:
    times = [NOON]
    with scripted(Say(body={}, headers={"X-RateLimit-NearLimit": "true"}), Say(body={})) as script:
        warned = Api(script.url, lambda _: ACCESS, lambda: times[-1])
        warned.get("/x")
        with pytest.raises(TryLater, match="nearly used up") as put_off:
            warned.get("/x", leave=LISTS_LEAVE)
        assert put_off.value.after == 300
        warned.get("/x", leave=LOOKS_LEAVE)
        times.append(NOON + timedelta(minutes=6))
        warned.get("/x", leave=LISTS_LEAVE)
    assert len(script.asked) == 3


def test_a_new_access_token_has_an_allowance_of_its_own() -> None:
    tokens = [ACCESS]
    with scripted(Say(body={})) as script:
        rotating = Api(script.url, lambda _: tokens[-1], lambda: NOON)
        rotating.get("/x")
        assert rotating.left() == 999
        tokens.append(Token("access", "", "another"))
        assert rotating.left() == 1_000


def test_a_new_api_token_shares_the_allowance_of_its_user() -> None:
    tokens = [API]
    with scripted(Say(body={})) as script:
        rotating = Api(script.url, lambda _: tokens[-1], lambda: NOON)
        rotating.get("/x")
        tokens.append(Token("api", API.email, "another"))
        assert rotating.left() == 999
        tokens.append(Token("api", "other@example.org", "another"))
        assert rotating.left() == 1_000


def test_what_a_stranger_shows_is_no_call_of_the_bots() -> None:
    with scripted(Say(401, {})) as script:
        asked, eve = api(script), Token("api", "eve@example.org", "x")
        asked.ask("GET", "/user", accept=(401,), token=eve)
        assert asked.left() == 1_000 and asked.allowance.left(eve) == 1_000
