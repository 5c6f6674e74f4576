"""Bitbucket Cloud's door: an address and a secret for each hook, through the web process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from intakebot.core.dialect import hook_secret
from intakebot.flow.house import House
from intakebot.forges.api import Ability
from intakebot.model import Repo
from intakebot.settings import Settings
from intakebot.store import connections
from intakebot.web.app import create_app
from intakebot.wiring import dialects
from tests.databases import Databases
from tests.web.cloud import (
    DOOR,
    HOOK,
    NEWER,
    NONCE,
    RECORDINGS,
    REPO,
    changes,
    ids,
    kept,
    post,
    pull_event,
    recorded,
    serving,
    signed,
)
from tests.web.forge import NOW, FakeForge
from tests.web.served import SECRET, Served, stored
from tests.web.world import World, some_settings

MOST = 1 << 20


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("cloud")
    with databases.house(folder), serving(folder) as served:
        yield served


# --- what is taken --------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.name for path in RECORDINGS.glob("*.http")))
def test_every_recorded_delivery_is_taken_once_and_its_retries_say_repeat(
    cloud: Served, name: str
) -> None:
    place, headers, body = recorded(name)
    assert post(cloud, body, headers, place).status == 202
    before = kept(cloud)
    for attempt in ("2", "3"):
        again = post(cloud, body, {**headers, "X-Attempt-Number": attempt}, place)
        assert (again.status, again.json) == (200, {"status": "repeat"})
    assert ids(cloud).count(headers["X-Request-UUID"]) == 1
    assert changes(before, kept(cloud)) == []


def test_a_retry_under_another_id_is_one_more_look_and_nothing_else(cloud: Served) -> None:
    body = pull_event(4)
    post(cloud, body, signed(body, "first"))
    before = kept(cloud)
    again = post(cloud, body, signed(body, "second", **{"X-Attempt-Number": "2"}))
    assert (again.status, again.json) == (202, {"status": "accepted"})
    ((table, new),) = changes(before, kept(cloud))
    assert (table, new["wanted"], set(new)) == ("pulls", 2, {"wanted", "nudged_at"})


@pytest.mark.parametrize("master", [NEWER, SECRET])
def test_while_the_master_secret_is_rotated_hooks_of_the_new_and_the_old_one_are_heard(
    cloud: Served, master: str
) -> None:
    body = pull_event(5)
    headers = signed(body, f"by {master}", secret=hook_secret(master, NONCE))
    assert post(cloud, body, headers).status == 202


def test_the_address_without_a_nonce_is_signed_with_the_master_secret_itself(
    cloud: Served,
) -> None:
    body = pull_event(5)
    assert post(cloud, body, signed(body, "by hand", secret=SECRET), DOOR).status == 202


def test_a_nonce_never_given_out_needs_nothing_kept_for_it(cloud: Served) -> None:
    body, fresh = pull_event(5), "0123456789abcdef" * 2
    headers = signed(body, "fresh", secret=hook_secret(SECRET, fresh))
    assert post(cloud, body, headers, f"{DOOR}/{fresh}").status == 202


@pytest.mark.parametrize("name", ["repo:push", "repo:commit_status_updated"])
def test_what_names_no_pull_request_asks_for_a_survey_of_its_repository(
    cloud: Served, name: str
) -> None:
    repo = f"{{a repository of {name}}}"
    body = json.dumps({"repository": {"uuid": repo}, "push": {"changes": []}}).encode()
    before = kept(cloud)
    answer = post(cloud, body, signed(body, f"repo-wide {name}", name))
    assert (answer.status, answer.json) == (202, {"status": "accepted"})
    ((table, new),) = changes(before, kept(cloud))
    assert (table, new["forge_id"], new["wanted"]) == ("repos", repo, 1)


@pytest.mark.parametrize(
    ("repository", "why"),
    [
        ({"full_name": "northshop/site"}, "no repository at repository.uuid"),
        ({"full_name": "northshop/site", "uuid": None}, "no repository at repository.uuid"),
        ({"full_name": "northshop/site", "uuid": {}}, "repository.uuid is not an id"),
    ],
)
def test_a_repository_told_by_name_alone_is_ignored_with_the_reason(
    cloud: Served, repository: dict[str, object], why: str
) -> None:
    body = json.dumps({"repository": repository, "pullrequest": {"id": 3}}).encode()
    before = kept(cloud)
    answer = post(cloud, body, signed(body, f"named only {repository}"))
    assert (answer.status, answer.json) == (202, {"status": "ignored", "why": why})
    assert changes(before, kept(cloud)) == []


OTHER = "{77777777-93d3-4a2e-8f0e-6f2f7c0f4a11}"


def test_a_hook_speaks_for_the_repository_it_was_made_for_and_for_no_other(world: World) -> None:
    """Whoever comes by the secret of one hook makes nobody look at another repository."""
    with world.database.write() as connection:
        for repo, nonce in ((REPO, NONCE), (OTHER, "0" * 32)):
            connections.keep(connection, connected(repo, nonce))
    app = create_app(*at_bitbucket(world), dialects())
    for repo in (REPO, OTHER, "{unknown}"):
        body = json.dumps({"repository": {"uuid": repo}, "pullrequest": {"id": 3}}).encode()
        headers = signed(body, f"about {repo}")
        assert app.test_client().post(HOOK, data=body, headers=headers).status_code == 202
    app.extensions["intakebot"].readiness.close()
    assert [row.ignored for row in stored(world.folder)] == [
        "",
        "its hook was made for another repository",
        "its repository is not connected",
    ]


def at_bitbucket(world: World) -> tuple[Settings, House]:
    """The world's house, looking after a forge where repositories are connected one by one."""
    forge = FakeForge(Repo("bitbucket-cloud", REPO, "acme/site", "", "main", "deploy"))
    forge.abilities = frozenset({Ability.CONNECT})
    settings = replace(world.settings, webhook_secrets={"bitbucket-cloud": (SECRET,)})
    return settings, replace(world.house, forges={"bitbucket-cloud": forge})


def connected(repo: str, nonce: str) -> dict[str, object]:
    return {
        "forge": "bitbucket-cloud",
        "forge_id": repo,
        "workspace_id": "{acme}",
        "name": f"acme/{repo}",
        "intake": "main",
        "deploy": "deploy",
        "hook_nonce": nonce,
        "hook_id": "",
        "connected_at": NOW,
    }


LIE = {
    "state": "MERGED",
    "title": "Not its title",
    "draft": True,
    "merge_commit": {"hash": "f" * 40},
    "source": {"commit": {"hash": "f" * 40}, "repository": {"uuid": "{elsewhere}"}},
    "participants": [{"user": {"uuid": "{grace}"}, "approved": True, "state": "approved"}],
}


@pytest.mark.parametrize(
    "name", ["fulfilled", "rejected", "approved", "changes_request_created", "comment_created"]
)
def test_a_signed_delivery_that_lies_about_the_state_only_asks_for_a_look(
    cloud: Served, name: str
) -> None:
    truth = pull_event(6, state="OPEN", title="A banner")
    post(cloud, truth, signed(truth, f"true before {name}"))
    before = kept(cloud)
    said = {"comment": {"id": 1, "content": {"raw": "/merge"}, "user": {"uuid": "{grace}"}}}
    approval = {"approval": {"user": {"uuid": "{grace}"}}}
    lie = json.dumps(json.loads(pull_event(6, **LIE)) | said | approval).encode()
    answer = post(cloud, lie, signed(lie, f"a lie, {name}", f"pullrequest:{name}"))
    assert (answer.status, answer.json) == (202, {"status": "accepted"})
    ((table, new),) = changes(before, kept(cloud))
    assert (table, set(new)) == ("pulls", {"wanted", "nudged_at"})


# --- what is refused ------------------------------------------------------------------

BODY = pull_event(1)
GOOD = signed(BODY, "refused")
SIGNATURE = GOOD["X-Hub-Signature"]
DIGEST = SIGNATURE.removeprefix("sha256=")
OTHER_CASE = NONCE.upper()
LONGER = [f"{NONCE}0", f"{NONCE}%0A", f"{NONCE}/"]
NO_NONCES = ["", NONCE[:-1], NONCE.upper(), "g" * 32, "%00", *LONGER]


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in GOOD.items() if key != name}


def refusals() -> Iterator[tuple[str, str, str, bytes, dict[str, str], int]]:
    """(what, method, path, body, headers, status)"""
    for bad in NO_NONCES:
        yield f"nonce {bad!r}", "POST", f"{DOOR}/{bad}", BODY, GOOD, 404
    yield "a nonce under no forge", "POST", f"/hooks/{NONCE}", BODY, GOOD, 404
    yield "an unknown forge", "POST", f"/hooks/bitbucket/{NONCE}", BODY, GOOD, 404
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"):
        yield method, method, HOOK, b"", {}, 405
    yield "a body too large", "POST", HOOK, b" " * (MOST + 1), GOOD, 413
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        yield f"type {kind!r}", "POST", HOOK, BODY, {**GOOD, "Content-Type": kind}, 415
    yield "an encoding", "POST", HOOK, BODY, {**GOOD, "Content-Encoding": "gzip"}, 415
    yield "no signature", "POST", HOOK, BODY, without("X-Hub-Signature"), 401
    wrong = ["", DIGEST, SIGNATURE[:-1], f"sha1={DIGEST}", f"sha256={DIGEST.upper()}"]
    for given in [*wrong, f"sha256={'0' * 64}", "sha256=ÿ"]:
        headers = {**GOOD, "X-Hub-Signature": given}
        yield f"signature {given[:12]!a}", "POST", HOOK, BODY, headers, 401
    yield "an altered body", "POST", HOOK, BODY + b" ", GOOD, 401
    yield "unsigned nonsense", "POST", HOOK, b"[" * 100_000, GOOD, 401
    yield "another hook's secret", "POST", f"{DOOR}/{'0' * 32}", BODY, GOOD, 401
    yield "a hook's secret for no nonce", "POST", DOOR, BODY, GOOD, 401
    master = signed(BODY, "refused", secret=SECRET)
    yield "the master secret for a nonce", "POST", HOOK, BODY, master, 401
    git = signed(BODY, "refused", secret=hook_secret("git-secret", NONCE))
    yield "a secret derived from Git's", "POST", HOOK, BODY, git, 401
    yield "no delivery id", "POST", HOOK, BODY, without("X-Request-UUID"), 400
    for bad_body in (b"", b"{", b'{"a": 1, "a": 2}', b"[" * 100_000, b"NaN", b'"\\u0000"'):
        headers = signed(bad_body, "refused")
        yield f"body {bad_body[:12]!r}", "POST", HOOK, bad_body, headers, 400


REFUSALS = list(refusals())


@pytest.mark.parametrize("case", REFUSALS, ids=[case[0] for case in REFUSALS])
def test_what_is_refused_gets_its_status_and_is_not_stored(
    cloud: Served, case: tuple[str, str, str, bytes, dict[str, str], int]
) -> None:
    _, method, path, body, headers, status = case
    answer = cloud.ask(method, path, body, headers)
    assert answer.status == status
    assert "refused" not in ids(cloud)
    for secret in (SECRET, NEWER, hook_secret(SECRET, NONCE), "Traceback"):
        assert secret not in answer.text
    if method != "HEAD":
        assert answer.json["request"] == answer.headers["X-Request-Id"]


def test_a_sender_waits_for_the_database_and_is_then_asked_to_try_again(
    cloud: Served, databases: Databases
) -> None:
    with databases.held(some_settings(cloud.folder).database_url):
        refused = post(cloud, BODY, signed(BODY, "patient"))
    assert refused.status == 503
    assert int(refused.headers["Retry-After"]) > 0
    retry = signed(BODY, "patient", **{"X-Attempt-Number": "2"})
    assert post(cloud, BODY, retry).status == 202
    assert ids(cloud).count("patient") == 1


@pytest.mark.parametrize("secrets", [{}, {"bitbucket-cloud": ()}])
def test_without_a_secret_there_is_no_door_at_either_address(
    world: World, secrets: dict[str, tuple[str, ...]]
) -> None:
    closed = create_app(replace(world.settings, webhook_secrets=secrets), world.house, dialects())
    for place, secret in ((HOOK, hook_secret(SECRET, NONCE)), (DOOR, ""), (DOOR, SECRET)):
        headers = signed(BODY, "refused", secret=secret)
        assert closed.test_client().post(place, data=BODY, headers=headers).status_code == 404
    closed.extensions["intakebot"].readiness.close()


def test_a_blank_secret_is_derived_from_by_nobody(world: World) -> None:
    settings = replace(world.settings, webhook_secrets={"bitbucket-cloud": (SECRET, " ")})
    careless = create_app(settings, world.house, dialects())
    for place in (DOOR, HOOK):
        answer = careless.test_client().post(place, data=BODY, headers=GOOD)
        assert answer.status_code == 503
    careless.extensions["intakebot"].readiness.close()
