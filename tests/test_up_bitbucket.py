"""The whole house, connected to a fake Bitbucket Cloud: webhooks in, restrictions on, a landing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from intakebot.forges.bitbucket_cloud.admin_tokens import PREFIXES, SCOPES
from intakebot.settings import load
from intakebot.store.database import Database
from intakebot.store.tables import pulls
from intakebot.world.bitbucket_cloud import BitbucketCloud, Member
from intakebot.world.house import RunningHouse
from intakebot.world.ports import free_ports
from tests.databases import Databases

pytestmark = pytest.mark.long

SITE = "acme/site"
PULLS = f"/repositories/{SITE}/pullrequests"


def run(environ: dict[str, str], state: Path, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "intakebot", *words, f"--state={state}"],
        env={"PATH": "/usr/bin:/bin", **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_from_connect_to_a_landing_under_restrictions_by_webhooks_alone(
    tmp_path: Path, databases: Databases
) -> None:
    with (
        databases.house(tmp_path / "state", begun=False),
        BitbucketCloud(tmp_path / "cloud") as cloud,
    ):
        cloud.workspace("acme")
        cloud.repository(SITE, {"index.html": "<p>One</p>\n"})
        olga, bot, ada = (cloud.user(name) for name in ("olga", "intakebot", "ada"))
        for who, level in (("olga", "admin"), ("intakebot", "admin"), ("ada", "read")):
            cloud.grant(who, SITE, level)
        cloud.fork("ada", SITE, inherit=True)
        cloud.grant("ada", "ada/site", "admin")
        port, state = free_ports(), tmp_path / "state"
        environ = settings(cloud, bot, olga, port)
        run(environ, state, "connect", "bitbucket-cloud", SITE, "--yes")
        run(environ, state, "people", "add", "olga", "--group", "staff", "--role", "maintainer")
        run(environ, state, "people", "link", "olga", "bitbucket-cloud", olga.uuid)
        with RunningHouse(state, port=port, environ=environ) as house:
            opens(ada)
            house.wait_for(lambda: stands(state) == "needs review")
            says(olga, "/approve")
            house.wait_for(lambda: stands(state) == "ready")
            says(olga, "/merge")
            house.wait_for(lambda: stands(state) == "landed")
        assert cloud.pull(SITE, 1).state == "MERGED"
        run(environ, state, "disconnect", "bitbucket-cloud", SITE, "--yes")
        assert cloud.at(SITE).restrictions == {} and cloud.at(SITE).hooks == []
        assert cloud.contract_errors == ()


def settings(cloud: BitbucketCloud, bot: Member, olga: Member, port: int) -> dict[str, str]:
    """The bot's own tokens, and those of the administrator for `connect`: each with just the
    scopes that SECURITY.md asks for."""
    accounts = ((PREFIXES["read"], bot), (PREFIXES["land"], bot), (PREFIXES["admin"], olga))
    scopes = {PREFIXES[purpose]: needed for purpose, needed in SCOPES.items()}
    return {
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "INTAKEBOT_SECRET_BITBUCKET_CLOUD": "master",
        "BITBUCKET_URL": cloud.url,
        "BITBUCKET_GIT_URL": cloud.git_url,
        **{f"{prefix}_EMAIL": who.email for prefix, who in accounts},
        **{
            f"{prefix}_TOKEN": cloud.token(who.nickname, scopes[prefix]) for prefix, who in accounts
        },
    }


def opens(ada: Member) -> None:
    clone = ada.clone("ada/site")
    ada.propose(clone, "banner", {"banner.html": "<b>Hi</b>\n"}, "Put up a banner")
    body = {
        "type": "pullrequest",
        "title": "Put a banner on the home page",
        "source": {"repository": {"full_name": "ada/site"}, "branch": {"name": "banner"}},
        "destination": {"branch": {"name": "main"}},
    }
    assert ada.api("POST", PULLS, body).status_code == 201


def says(who: Member, text: str) -> None:
    body = {"type": "pullrequest_comment", "content": {"raw": text}}
    assert who.api("POST", f"{PULLS}/1/comments", body).status_code == 201


def stands(state: Path) -> str:
    database = Database(load(state, {}).database_url)
    try:
        with database.read() as connection:
            return connection.scalar(sa.select(pulls.c.state).where(pulls.c.number == 1)) or ""
    finally:
        database.close()
