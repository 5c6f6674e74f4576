"""What Bitbucket Cloud really answered, in 2018, is read without a stumble.

The recordings lie beside the checkout, or beside the folder that INTAKEBOT_SPECS names.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from intakebot.forges.bitbucket_cloud import BitbucketCloud, Connection, Token
from intakebot.forges.bitbucket_cloud.listing import digest
from intakebot.model import OperatorError, Permission, PullState
from tests.forges.bitbucket_cloud.scripted import Say, Script, scripted

BESIDE = Path(os.environ.get("INTAKEBOT_SPECS") or Path(__file__).parents[4] / "shared" / "specs")
FOLDER = BESIDE.parent / "recordings" / "bitbucket-cloud" / "go-scm"
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(),
    reason=f"NOTHING RECORDED IS READ: {FOLDER} is missing; say where with INTAKEBOT_SPECS",
)

MAIN = "{b7c5a1c5-28bb-4e20-b262-3beaff0dd827}"
BRAD = "{87bb15eb-47c1-49b3-9f16-ca824a2979a4}"
TIP = "42f383c381d9" + "0" * 28


def recorded(name: str) -> Any:
    return json.loads((FOLDER / name).read_bytes())


def forge(script: Script) -> BitbucketCloud:
    connection = Connection(MAIN, "{workspace}", "jstrachan/demo6", "master", "master")
    return BitbucketCloud(
        api_url=script.url,
        git_url="https://bitbucket.org",
        tokens=lambda _: Token("access", "", "x"),
        connected=lambda: [connection],
        now=lambda: datetime(2026, 3, 1, tzinfo=UTC),
        tips=lambda _, branch: TIP if branch == "somestuff" else None,
    )


def test_a_recorded_pull_request_is_read_whole() -> None:
    found = recorded("pulls.json")["values"][0]
    empty = Say(body={"values": []})
    status = {**recorded("status.json"), "state": "SUCCESSFUL"}
    user, forks = Say(body=recorded("user.json")), empty
    # itself, its repository's bot, activity, forks (it is from no fork), comments, status
    with scripted(Say(body=found), user, empty, forks, empty, Say(body=status)) as script:
        pull = forge(script).pull(MAIN, 2)
    assert pull is not None
    assert (pull.number, pull.state, pull.target) == (2, PullState.OPEN, "master")
    assert (pull.author.login, pull.author.display) == ("JamesS", "James Strachan")
    assert pull.head == TIP and [push.head for push in pull.pushes] == [TIP]
    assert pull.source is not None and pull.source.repo_id == pull.repo.id == MAIN
    assert pull.url == "https://bitbucket.org/jstrachan/demo6/pull-requests/2"
    assert pull.created_at == datetime(2018, 4, 21, 8, 56, 2, 20408, UTC)
    assert pull.status is not None
    assert (pull.status.state, pull.status.text) == (
        "success",
        "Build has completed successfully",
    )


def test_recorded_pull_requests_are_listed_and_told_apart() -> None:
    with scripted(Say(body=recorded("pulls.json"))) as script:
        since = forge(script).pulls_since(MAIN, "")
        again = forge(script).pulls_since(MAIN, since.cursor)
    assert since.numbers == tuple(sorted(one["id"] for one in recorded("pulls.json")["values"]))
    assert again.numbers == ()
    assert len({digest(one) for one in recorded("pulls.json")["values"]}) == len(since.numbers)


def test_a_recorded_permission_is_read() -> None:
    with scripted(Say(body=recorded("perms.json"))) as script:
        assert forge(script).permission(MAIN, BRAD) is Permission.WRITE
        assert forge(script).permission(MAIN, MAIN) is Permission.NONE


def test_a_recorded_user_without_a_nickname_still_has_a_name() -> None:
    with scripted(Say(body=recorded("user.json"))) as script:
        me = forge(script).me()
    assert (me.id, me.login) == (BRAD, "Brad Rydzewski")


def test_a_recorded_refusal_is_told_in_the_products_words() -> None:
    with (
        scripted(Say(404, recorded("error.json"))) as script,
        pytest.raises(OperatorError, match="shows the bot no repository jstrachan/demo6"),
    ):
        forge(script).pull(MAIN, 2)
