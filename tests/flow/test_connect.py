"""What `connect` plans and takes back: from what is there and what was written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from intakebot.flow.connect_check import is_public
from intakebot.flow.connect_journal import settled
from intakebot.flow.connect_plan import adopted_nonce, plan
from intakebot.flow.connect_tokens import clock, expiry, judged
from intakebot.flow.connect_undo import undoing
from intakebot.flow.connect_words import (
    Change,
    Found,
    Prove,
    PutHook,
    Restrict,
    Step,
    TakeBack,
    Wish,
)
from intakebot.forges.bitbucket_cloud.admin import Hook, Repository, Restriction
from intakebot.forges.bitbucket_cloud.admin_tokens import SCOPES, Identity, read_scopes
from intakebot.model import Account

BOT, OTHER = Account("{bot}", "intakebot"), Account("{other}", "other")
CARL = Account("{carl}", "carl")
DOOR = "https://gate.example.org/hooks/bitbucket-cloud/"
EVENTS = frozenset({"repo:push"})
TARGET = (f"{DOOR}{'0' * 32}", "mark", EVENTS)
REPO = Repository("{r}", "{w}", "acme", "acme/site", True, "allow_forks", "main")
PROVED: Change = {"what": "proof", "account": BOT.id, "id": "intake/probe-1", "done": True}
HOOK = Hook("{h}", TARGET[0], EVENTS, active=True, has_secret=True)
HOOKED: Change = {
    "what": "hook",
    "id": "{h}",
    "done": True,
    "before": None,
    "after": {"url": TARGET[0], "secret": "mark"},
}


def rule(kind: str, *users: Account, id: int = 1, groups: Sequence[str] = ()) -> Restriction:
    return Restriction(id, kind, "main", "", users, frozenset(groups))


def through(*users: Account) -> dict[str, list[str]]:
    return {"users": [user.id for user in users], "groups": []}


def restricted(kind: str, after: Account, before: Account | None, *, done: bool = True) -> Change:
    return {
        "what": "restriction",
        "kind": kind,
        "pattern": "main",
        "id": "1",
        "done": done,
        "before": through(before) if before else None,
        "after": through(after),
    }


def planned(
    rules: Sequence[Restriction], changes: Sequence[Change], bot: Account = BOT
) -> list[Step]:
    found = Found(REPO, "", {}, (HOOK,), tuple(rules), {"main": "0" * 40})
    return plan(found, Wish("main", "main"), bot, changes, TARGET)


WHOLE = [rule("push", BOT), rule("restrict_merges", BOT), rule("force"), rule("delete")]
TRIED = replace(rule("push", BOT), id=9, pattern="intake/try/*")
WHOLE.append(TRIED)


def test_what_is_as_it_should_be_needs_no_step() -> None:
    assert planned(WHOLE, [PROVED, HOOKED]) == []


def test_the_proof_comes_before_anything_that_others_feel() -> None:
    steps = planned([], [])
    assert [type(step) for step in steps] == [Prove, PutHook, *[Restrict] * 5]


def test_another_bot_is_proved_anew() -> None:
    steps = planned(WHOLE, [PROVED, HOOKED], OTHER)
    assert steps[0] == Prove(OTHER)
    assert [step.kind for step in steps if isinstance(step, Restrict)] == [
        "push",
        "restrict_merges",
        "push",
    ]


def test_a_change_of_bots_still_remembers_whom_it_was_before_the_first() -> None:
    changes = [PROVED, HOOKED, restricted("push", BOT, before=CARL)]
    step = next(one for one in planned(WHOLE, changes, OTHER) if isinstance(one, Restrict))
    assert (step.id, step.before) == (1, through(CARL))


def test_a_killed_change_of_bots_remembers_it_too() -> None:
    changes = [PROVED, HOOKED, restricted("push", OTHER, before=CARL, done=False)]
    step = next(one for one in planned(WHOLE, changes, OTHER) if isinstance(one, Restrict))
    assert step.before == through(CARL)


def test_what_somebody_else_set_since_is_what_is_put_back() -> None:
    changes = [PROVED, HOOKED, restricted("push", BOT, before=OTHER)]
    rules = [rule("push", CARL), *WHOLE[1:]]
    step = next(one for one in planned(rules, changes) if isinstance(one, Restrict))
    assert step.before == through(CARL)


def test_a_branch_that_is_no_longer_ours_is_let_go() -> None:
    found = Found(REPO, "", {}, (HOOK,), tuple(WHOLE), {})
    change = {**restricted("push", BOT, None), "pattern": "live"}
    steps = plan(found, Wish("main", "main"), BOT, [PROVED, HOOKED, change], TARGET)
    assert [type(step) for step in steps] == [TakeBack]


def test_a_hook_whose_secret_nobody_here_knows_gets_a_new_one() -> None:
    assert planned(WHOLE, [PROVED]) == [
        PutHook("{h}", TARGET[0], "mark", "mend the webhook: nobody here knows its secret")
    ]


def test_a_hook_of_this_house_is_found_by_its_address() -> None:
    assert adopted_nonce([HOOK], DOOR) == "0" * 32
    assert adopted_nonce([HOOK], "https://other.example.org/hooks/bitbucket-cloud/") == ""
    assert adopted_nonce([Hook("{h}", f"{DOOR}short", EVENTS, True, True)], DOOR) == ""


@pytest.mark.parametrize(
    ("change", "rules", "do"),
    [
        (restricted("push", BOT, None), [rule("push", BOT)], "remove"),
        (restricted("push", BOT, CARL), [rule("push", BOT)], "put back"),
        (restricted("push", BOT, CARL), [rule("push", CARL)], "leave"),
        (restricted("push", BOT, CARL), [rule("push", BOT, groups=["devs"])], "leave"),
        (restricted("push", BOT, CARL, done=False), [rule("push", CARL)], "nothing"),
        (restricted("push", BOT, CARL, done=False), [rule("push", BOT)], "put back"),
        (restricted("push", BOT, None), [], "nothing"),
        (PROVED, [], "nothing"),
        ({**PROVED, "done": False}, [], "clean up"),
    ],
)
def test_only_what_is_still_ours_is_taken_back(
    change: Change, rules: Sequence[Restriction], do: str
) -> None:
    assert undoing(change, (), rules).do == do


def test_a_hook_that_leads_elsewhere_by_now_is_left() -> None:
    moved = Hook("{h}", "https://other.example.org/", EVENTS, True, True)
    assert undoing(HOOKED, (moved,), ()).do == "leave"
    assert undoing(HOOKED, (HOOK,), ()).do == "remove"
    elsewhere = Hook("{h}", f"https://old.example.org/{'0' * 32}", EVENTS, True, True)
    assert undoing(HOOKED, (elsewhere,), ()).do == "remove"
    assert undoing(HOOKED, (), ()).do == "nothing"


def test_what_a_kill_kept_from_being_noted_is_noted_when_it_is_seen() -> None:
    undone = restricted("push", BOT, CARL, done=False)
    observed = {("push", "main"): ("7", through(BOT))}
    assert settled([undone], observed) == [{**undone, "id": "7", "done": True}]
    assert settled([undone], {("push", "main"): ("7", through(CARL))}) == [undone]
    assert settled([undone], {}) == [undone]


# --- tokens ---------------------------------------------------------------------------

TODAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    ("written", "state"),
    [
        ("", "warn"),
        ("soon", "fail"),
        ("2026-06-01", "fail"),
        ("2026-07-01", "warn"),
        ("2026-07-02", "ok"),
    ],
)
def test_a_token_that_ends_within_30_days_is_told(written: str, state: str) -> None:
    check = expiry("read", written, TODAY)
    assert check.state == state
    assert check.cure or state == "ok"


def test_a_missing_scope_is_named() -> None:
    some = frozenset(SCOPES["land"]) - {"write:repository:bitbucket"}
    check = judged("land", Identity(BOT, True, "API token", "BITBUCKET_LAND_TOKEN", some, None))
    assert check.state == "fail" and "lacks write:repository:bitbucket" in check.what


def test_scopes_are_read_in_the_words_of_either_kind_of_token() -> None:
    named = "read:repository:bitbucket, write:repository:bitbucket"
    assert read_scopes(named) == frozenset(named.split(", "))
    assert read_scopes("repository:write") == frozenset(named.split(", "))
    for nothing in (None, "", "quite:new"):
        assert read_scopes(nothing) is None


def test_an_access_token_needs_no_scope_that_only_people_have() -> None:
    scopes = read_scopes("repository:write")
    land = Identity(BOT, False, "repo access token", "BITBUCKET_LAND_TOKEN", scopes, None)
    assert judged("land", land).state == "ok"
    assert "write:pullrequest:bitbucket" in judged("read", land).what


@pytest.mark.parametrize(
    ("seconds", "state"), [(0, "ok"), (-59, "ok"), (61, "fail"), (-61, "fail")]
)
def test_a_clock_that_is_off_by_more_than_a_minute_is_told(seconds: int, state: str) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    found = Identity(BOT, True, "API token", "", None, now + timedelta(seconds=seconds))
    assert clock({"read": found}, now).state == state


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("gate.example.org", True),
        ("8.8.8.8", True),
        ("localhost", False),
        ("gate", False),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("::1", False),
        ("gate.internal", False),
    ],
)
def test_an_address_that_bitbucket_refuses_is_known_by_its_look(host: str, public: bool) -> None:
    assert is_public(host) is public
