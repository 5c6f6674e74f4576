"""`intakebot doctor` says what is wrong and the cure, and fails when the gate can't work."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from intakebot.core.dialect import hook_secret
from intakebot.flow.doctor import disk, git_version, sandbox_cure
from intakebot.model import Delivery, Event, Kind
from intakebot.store import inbox, letters
from intakebot.up.valkey import valkey
from intakebot.wiring import now
from tests.cli.connecting import HOUSE, MAIN, MASTER, Desk, data, desk_in, fine
from tests.databases import Databases
from tests.mailbox import Mailbox

pytestmark = pytest.mark.long

OWN = {
    "INTAKEBOT_SECRET_GIT": "s" * 32,
    "SESSION_SECRET": "s" * 32,
    "GIT_BOT_TOKEN": "bot",
    "GIT_LAND_TOKEN": "land",
    "GIT_WEB_TOKEN": "web",
}
NO_BITBUCKET = {
    name: None
    for name in (
        "BITBUCKET_TOKEN",
        "BITBUCKET_LAND_TOKEN",
        "BITBUCKET_ADMIN_TOKEN",
        "INTAKEBOT_SECRET_BITBUCKET_CLOUD",
    )
}


@pytest.fixture(scope="module")
def bell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("bell")
    argv = list(valkey(folder).argv)
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"unix://{folder / 'bell.sock'}"
    try:
        _wait_for(url)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            redis.Redis.from_url(url).ping()
            return
        except redis.RedisError:
            assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def desk(tmp_path: Path, databases: Databases, bell: str) -> Iterator[Desk]:
    with desk_in(tmp_path, databases) as desk:
        desk.environ |= {**OWN, "REDIS_URL": bell}
        with desk.database():
            pass
        yield desk


def states(desk: Desk, **environ: str | None) -> dict[str, str]:
    """Check -> how it is."""
    done = desk.run("doctor", "--json", **environ)
    found = {one["about"]: one["state"] for one in data(done)["checks"]}
    assert done.exit_code == (1 if "fail" in found.values() else 0)
    return found


def words(desk: Desk, about: str, **environ: str | None) -> str:
    """What it says of one check, with the cure."""
    checks = data(desk.run("doctor", "--json", **environ))["checks"]
    return "\n".join(f"{one['what']}\n{one['cure']}" for one in checks if one["about"] == about)


# --- the house ------------------------------------------------------------------------


def test_without_bitbucket_it_looks_at_the_house_alone(desk: Desk) -> None:
    found = states(desk, **NO_BITBUCKET)
    assert found == dict.fromkeys(
        ("settings", "git", "disk", "schema", "database", "bell", "sandbox"), "ok"
    )
    assert "The gate can work" in fine(desk.run("doctor", **NO_BITBUCKET))


def test_each_thing_that_is_missing_stops_the_gate(desk: Desk) -> None:
    assert states(desk, SESSION_SECRET=None)["settings"] == "fail"
    nowhere = f"unix://{desk.state / 'nobody.sock'}"
    assert states(desk, REDIS_URL=nowhere)["bell"] == "fail"
    assert "intakebot up" in words(desk, "bell", REDIS_URL=nowhere)
    lost = f"sqlite:///{desk.state / 'lost.db'}"
    assert states(desk, DATABASE_URL=lost)["schema"] == "fail"
    assert not (desk.state / "lost.db").exists()
    assert "1 thing stops the gate" in desk.run("doctor", REDIS_URL=nowhere).output


def test_signing_in_at_bitbucket_is_told_with_the_callback_that_it_needs(desk: Desk) -> None:
    assert "sign-in" not in states(desk)
    key = {"BITBUCKET_SIGN_IN_OAUTH_KEY": "key"}
    assert states(desk, **key)["sign-in"] == "fail"
    assert "BITBUCKET_SIGN_IN_OAUTH_SECRET is not set" in words(desk, "sign-in", **key)
    whole = {**key, "BITBUCKET_SIGN_IN_OAUTH_SECRET": "hidden"}
    assert states(desk, **whole)["sign-in"] == "ok"
    said = words(desk, "sign-in", **whole)
    assert f"{HOUSE}/sign-in/at/bitbucket-cloud/back" in said and "hidden" not in said


def test_mail_is_tried_up_to_a_letter_and_what_waits_is_told(desk: Desk) -> None:
    box = Mailbox()
    way = {"SMTP_URL": f"smtp://127.0.0.1:{box.port}", "MAIL_FROM": "a@b.c", "MAIL_TO": "d@e.f"}
    assert states(desk, **way)["mail"] == "warn"  # it stops no gate
    assert "see to the server" in words(desk, "mail", **way)
    box.open()
    try:
        assert states(desk, **way)["mail"] == "ok"
        assert "gatekeepers are d@e.f" in words(desk, "mail", **way)
        with desk.database() as database, database.write() as connection:
            letters.write(connection, "key", "d@e.f", "A subject", "Some text", now())
            letters.fail(connection, 1, "550 nobody of that name", None)
        assert "a letter to d@e.f" in words(desk, "mail", **way)
        assert "is given up: 550 nobody of that name" in words(desk, "mail", **way)
    finally:
        box.close()
    assert box.taken == []


def test_one_thing_that_fails_hides_no_other(desk: Desk) -> None:
    nowhere = "sqlite:////nowhere/intakebot.db"
    found = states(desk, DATABASE_URL=nowhere, SESSION_SECRET=None)
    assert (found["settings"], found["schema"]) == ("fail", "fail")
    assert (found["git"], found["sandbox"]) == ("ok", "ok")


def test_progress_goes_beside_the_answer(desk: Desk) -> None:
    done = desk.run("doctor", **NO_BITBUCKET)
    assert "sandbox ..." in done.stderr and "..." not in done.stdout


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("git version 2.38.0", "ok"),
        ("git version 2.39.5 (Apple Git-154)", "ok"),
        ("git version 3.0.1", "ok"),
        ("git version 2.37.9", "fail"),
        ("nonsense", "fail"),
    ],
)
def test_git_must_be_able_to_merge_without_a_work_tree(said: str, state: str) -> None:
    assert git_version(said).state == state


def test_a_full_disk_is_told_before_it_is_full(tmp_path: Path) -> None:
    sizes = (100 << 20, 1 << 30, 50 << 30)
    assert [disk(tmp_path, size).state for size in sizes] == ["fail", "warn", "ok"]


@pytest.mark.parametrize(
    ("sysctls", "bwrap", "said"),
    [
        ({}, "", "apt-get install bubblewrap"),
        ({"user.max_user_namespaces": "0"}, "/usr/bin/bwrap", "user.max_user_namespaces="),
        ({"kernel.unprivileged_userns_clone": "0"}, "/usr/bin/bwrap", "userns_clone=1"),
        (
            {"kernel.apparmor_restrict_unprivileged_userns": "1"},
            "/usr/bin/bwrap",
            "profile intakebot-bwrap /usr/bin/bwrap flags=(unconfined) {\n  userns,",
        ),
        ({"user.max_user_namespaces": "9000"}, "/usr/bin/bwrap", "in a container"),
    ],
)
def test_the_sandboxs_cure_is_the_one_for_this_machine(
    sysctls: dict[str, str], bwrap: str, said: str
) -> None:
    assert said in sandbox_cure(sysctls, bwrap)


# --- Bitbucket Cloud ------------------------------------------------------------------


def test_a_connected_repository_is_looked_at_whole(desk: Desk) -> None:
    fine(desk.connect())
    found = states(desk)
    assert "fail" not in found.values()
    assert found[f"{MAIN}: connection"] == "ok"
    assert found["clock"] == "ok"
    assert (found[f"{MAIN}: last delivery"], found["read token's end"]) == ("warn", "warn")


def test_the_calls_that_are_left_are_those_of_the_whole_house(desk: Desk) -> None:
    fine(desk.connect())
    fine(desk.run("doctor"))
    made = [one for one in desk.cloud.calls if one.by == "grace" and "git" not in one.method]
    said = words(desk, "calls left of the admin token")
    asked_whose = 1
    assert said.startswith(f"{1_000 - len(made) - asked_whose} of the 1000 REST calls")
    assert len(made) > 20


def test_nothing_is_written_at_the_forge(desk: Desk) -> None:
    fine(desk.connect())
    [hook] = desk.hooks()
    with desk.cloud.site.lock:
        hook.active = False
    before = len(desk.cloud.writes)
    states(desk)
    assert len(desk.cloud.writes) == before


def test_a_restriction_that_somebody_took_away_stops_the_gate(desk: Desk) -> None:
    fine(desk.connect())
    with desk.cloud.site.lock:
        rules = desk.cloud.at(MAIN).restrictions
        del rules[desk.rules()["push", "main"].id]
    assert states(desk)[f"{MAIN}: restrictions"] == "fail"
    said = words(desk, f"{MAIN}: restrictions")
    assert "push to main" in said and f"intakebot connect bitbucket-cloud {MAIN} --yes" in said
    fine(desk.connect())
    assert states(desk)[f"{MAIN}: connection"] == "ok"


def test_a_hook_that_is_gone_or_has_the_old_secret_is_told(desk: Desk) -> None:
    fine(desk.connect())
    rotated = f"new,{MASTER}"
    assert states(desk, INTAKEBOT_SECRET_BITBUCKET_CLOUD=rotated)[f"{MAIN}: webhook"] == "warn"
    with desk.cloud.site.lock:
        desk.cloud.at(MAIN).hooks.clear()
    assert "install the webhook" in words(desk, f"{MAIN}: webhook")


def test_without_an_administrators_token_it_says_what_it_could_not_see(desk: Desk) -> None:
    fine(desk.connect())
    found = states(desk, BITBUCKET_ADMIN_TOKEN=None)
    assert found[f"{MAIN}: connection"] == "warn"
    assert found[f"{MAIN}: the bot's right"] == "ok"
    assert "BITBUCKET_ADMIN_TOKEN" in words(desk, f"{MAIN}: connection", BITBUCKET_ADMIN_TOKEN=None)


def test_forks_that_were_forbidden_since_stop_the_gate(desk: Desk) -> None:
    fine(desk.connect())
    with desk.cloud.site.lock:
        desk.cloud.at(MAIN).fork_policy = "no_forks"
    for admin in (desk.grace.token, None):
        assert states(desk, BITBUCKET_ADMIN_TOKEN=admin)[f"{MAIN}: forks"] == "fail"


def test_a_token_that_was_revoked_is_told_with_how_to_make_one(desk: Desk) -> None:
    fine(desk.connect())
    desk.cloud.revoke(desk.environ["BITBUCKET_LAND_TOKEN"])
    assert states(desk)["land token"] == "fail"
    said = words(desk, "land token")
    assert "id.atlassian.com" in said and "write:repository:bitbucket" in said


def test_the_day_a_token_ends_is_told_30_days_before(desk: Desk) -> None:
    soon = f"{now() + timedelta(days=9):%Y-%m-%d}"
    later = f"{now() + timedelta(days=90):%Y-%m-%d}"
    found = states(desk, BITBUCKET_TOKEN_EXPIRES=soon, BITBUCKET_LAND_TOKEN_EXPIRES=later)
    assert (found["read token's end"], found["land token's end"]) == ("warn", "ok")
    past = f"{now() - timedelta(days=1):%Y-%m-%d}"
    assert states(desk, BITBUCKET_TOKEN_EXPIRES=past)["read token's end"] == "fail"


def test_a_token_file_that_others_may_read_is_told(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(desk.bot.token)
    os.chmod(file, 0o644)
    given = {"BITBUCKET_TOKEN": None, "BITBUCKET_TOKEN_FILE": str(file)}
    assert "chmod 600" in "".join(
        words(desk, about, **given) for about in ("read token", "tokens of Bitbucket Cloud")
    )


def test_a_delivery_that_arrived_is_told(desk: Desk) -> None:
    fine(desk.connect())
    [row] = desk.rows()
    event = Event("bitbucket-cloud", Kind.PUSH, row.forge_id, None, None, None, None)
    delivery = Delivery("bitbucket-cloud", "1", b"{}", {}, now())
    with desk.database() as database, database.write_straight() as connection:
        inbox.keep(connection, [(delivery, event)], ("bitbucket-cloud",))
    assert states(desk)[f"{MAIN}: last delivery"] == "ok"


def test_a_connect_that_was_killed_is_told(desk: Desk) -> None:
    assert desk.dies(8, "connect", "bitbucket-cloud", MAIN, "--yes")
    assert states(desk)[f"{MAIN}: restrictions"] == "fail"


def test_no_token_and_no_secret_is_ever_printed(desk: Desk) -> None:
    fine(desk.connect())
    desk.cloud.revoke(desk.bot.token)
    said = desk.run("doctor").output + desk.run("doctor", "--json").output
    secrets = [value for name, value in desk.environ.items() if "TOKEN" in name or "SECRET" in name]
    hook = desk.hooks()[0]
    for secret in [*(one for one in secrets if len(one) > 8), hook.secret]:
        assert secret not in said
    assert hook.secret == hook_secret(MASTER, hook.url[-32:])
