"""`intakebot connect` shows first, acts once, survives a kill; `disconnect` takes it back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from intakebot.core.dialect import hook_secret
from intakebot.store import connections
from intakebot.store.connections import ConnectionRow
from intakebot.store.database import Database
from intakebot.world.bitbucket_cloud import BitbucketCloud, Member

SITE = "acme/site"
HOOKS, RULES = f"/repositories/{SITE}/hooks", f"/repositories/{SITE}/branch-restrictions"


@dataclass
class Desk:
    """An operator's terminal: the real program in a process of its own."""

    cloud: BitbucketCloud
    state: Path
    owner: Member
    bot: Member
    environ: dict[str, str]

    def run(self, verb: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "intakebot", verb, "bitbucket-cloud", SITE, *words],
            env={**os.environ, **self.environ, **more},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def there(self, path: str) -> list[dict[str, Any]]:
        return list(self.owner.api("GET", f"{path}?pagelen=100").json()["values"])

    def rules(self) -> set[tuple[str, str, tuple[str, ...]]]:
        return {
            (one["kind"], one["pattern"], tuple(user["uuid"] for user in one["users"]))
            for one in self.there(RULES)
        }

    def whole(self) -> set[tuple[str, str, tuple[str, ...]]]:
        bot = (self.bot.uuid,)
        kinds = (("push", bot), ("restrict_merges", bot), ("force", ()), ("delete", ()))
        return {(kind, "main", people) for kind, people in kinds}

    def kept(self) -> list[ConnectionRow]:
        if not (self.state / "intakebot.db").exists():
            return []
        database = Database(f"sqlite:///{self.state / 'intakebot.db'}")
        with database.read() as connection:
            rows = connections.all_of(connection, "bitbucket-cloud")
        database.close()
        return rows


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with BitbucketCloud(tmp_path / "cloud") as cloud:
        cloud.workspace("acme")
        cloud.repository(SITE, {"index.html": "<p>One</p>\n"})
        owner, bot = cloud.user("olga"), cloud.user("intakebot")
        cloud.grant("olga", SITE, "admin")
        cloud.grant("intakebot", SITE, "admin")
        environ = {
            "INTAKEBOT_STATE": str(tmp_path / "state"),
            "PUBLIC_URL": "https://intake.example",
            "INTAKEBOT_SECRET_BITBUCKET_CLOUD": "master",
            "BITBUCKET_URL": cloud.url,
            "BITBUCKET_GIT_URL": cloud.git_url,
            "BITBUCKET_EMAIL": bot.email,
            "BITBUCKET_TOKEN": bot.token,
            "BITBUCKET_ADMIN_EMAIL": owner.email,
            "BITBUCKET_ADMIN_TOKEN": owner.token,
        }
        (tmp_path / "state").mkdir()
        yield Desk(cloud, tmp_path / "state", owner, bot, environ)
        assert cloud.contract_errors == ()


def test_without_yes_it_is_only_shown(desk: Desk) -> None:
    done = desk.run("connect")
    assert done.returncode == 0, done.stderr
    assert "would: make a webhook to https://intake.example/hooks/bitbucket-cloud/" in done.stdout
    assert "would: restrict 'push' on main to the bot" in done.stdout
    assert "Nothing was changed; add --yes to do it." in done.stdout
    assert (desk.there(HOOKS), desk.there(RULES), desk.kept()) == ([], [], [])


def test_with_yes_only_the_bot_writes_and_the_hook_has_a_secret_of_its_own(desk: Desk) -> None:
    done = desk.run("connect", "--yes")
    assert done.returncode == 0, done.stderr
    assert desk.rules() == desk.whole()
    [hook], [row] = desk.there(HOOKS), desk.kept()
    assert hook["url"] == f"https://intake.example/hooks/bitbucket-cloud/{row.hook_nonce}"
    assert hook["active"] and "pullrequest:created" in hook["events"]
    assert not [event for event in hook["events"] if "commit_status" in event]
    assert desk.cloud.state.hooks[hook["uuid"]].secret == hook_secret("master", row.hook_nonce)
    assert desk.owner.token not in done.stdout + done.stderr


def test_again_it_changes_nothing_and_says_so(desk: Desk) -> None:
    desk.run("connect", "--yes")
    before = len(desk.cloud.writes)
    again = desk.run("connect", "--yes")
    assert "It is connected, and all is as it should be." in again.stdout
    assert len(desk.cloud.writes) == before


@pytest.mark.parametrize("times", [1, 2])
def test_killed_half_way_it_is_made_whole_by_the_next_and_nothing_is_there_twice(
    desk: Desk, times: int
) -> None:
    killed = desk.run("connect", "--yes", INTAKEBOT_CRASH=f"connect.mid:{times}")
    assert killed.returncode == -signal.SIGKILL
    assert desk.run("connect", "--yes").returncode == 0
    assert desk.rules() == desk.whole()
    assert (len(desk.there(HOOKS)), len(desk.there(RULES))) == (1, 4)


def test_where_nobody_may_fork_it_says_so_first_and_does_nothing(desk: Desk) -> None:
    desk.cloud.at(SITE).fork_policy = "no_forks"
    done = desk.run("connect", "--yes")
    assert done.returncode == 1
    assert done.stdout.splitlines()[1].startswith("  fault: acme/site forbids forks")
    assert (desk.there(HOOKS), desk.kept()) == ([], [])


def test_somebody_elses_restriction_is_left_alone_and_named(desk: Desk) -> None:
    desk.cloud.restrict(SITE, "push", "main", "olga")
    done = desk.run("connect", "--yes")
    assert done.returncode == 1
    assert "somebody has set 'push' on main already" in done.stderr
    assert len(desk.there(RULES)) == 1 and desk.there(HOOKS) == []


def test_a_token_that_is_unknown_says_which_to_make(desk: Desk) -> None:
    done = desk.run("connect", BITBUCKET_ADMIN_TOKEN="ATBBold")
    assert done.returncode == 1
    assert "app password" in done.stderr and "Traceback" not in done.stderr


def test_disconnect_takes_it_back_and_leaves_what_others_changed(desk: Desk) -> None:
    desk.run("connect", "--yes")
    push = next(one for one in desk.there(RULES) if one["kind"] == "push")
    body = {key: push[key] for key in ("type", "kind", "branch_match_kind", "pattern")}
    body |= {"users": [{"type": "user", "uuid": desk.owner.uuid}], "groups": []}
    assert desk.owner.api("PUT", f"{RULES}/{push['id']}", body).ok
    shown = desk.run("disconnect")
    assert "would remove: the webhook" in shown.stdout
    assert "stays: 'push' on main was changed by somebody since" in shown.stdout
    assert len(desk.there(HOOKS)) == 1

    assert desk.run("disconnect", "--yes").returncode == 0
    assert desk.there(HOOKS) == [] and desk.kept() == []
    assert [one["kind"] for one in desk.there(RULES)] == ["push"]
    again = desk.run("disconnect", "--yes")
    assert (again.returncode, "is not connected" in again.stderr) == (1, True)


def test_json_names_the_steps(desk: Desk) -> None:
    told = json.loads(desk.run("connect", "--json").stdout)
    assert (told["repository"], told["done"], len(told["steps"])) == (SITE, False, 5)
