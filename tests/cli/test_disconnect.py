"""`intakebot disconnect` takes back what `connect` set up, and leaves what others changed since."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.connecting import HOUSE, MAIN, Desk, desk_in, fine, pushes
from tests.databases import Databases


@pytest.fixture
def desk(databases: Databases, tmp_path: Path) -> Iterator[Desk]:
    with desk_in(tmp_path, databases) as desk:
        yield desk


def test_disconnect_shows_first_and_takes_all_back_with_yes(desk: Desk) -> None:
    fine(desk.connect())
    before = len(desk.cloud.writes)
    said = fine(desk.disconnect(MAIN))
    assert "remove the webhook" in said and "add --yes" in said
    assert len(desk.cloud.writes) == before
    said = fine(desk.disconnect())
    assert "build statuses, which Bitbucket Cloud has no way to delete" in said
    assert (desk.hooks(), desk.rules(), desk.rows()) == ([], {}, [])
    assert pushes(desk.carl, "main")


def test_what_was_there_before_is_put_back(desk: Desk) -> None:
    desk.cloud.group("acme", "devs", "carl")
    number = desk.cloud.restrict(MAIN, "push", "main", "carl", groups=["devs"])
    said = fine(desk.connect())
    assert "(Carl, the group devs could until now)" in said
    assert desk.rules()["push", "main"].users == [desk.bot.uuid]
    fine(desk.disconnect())
    [rule] = desk.rules().values()
    assert (rule.id, rule.users, rule.groups) == (number, [desk.carl.uuid], ["devs"])


def test_what_others_changed_since_is_left_and_told(desk: Desk) -> None:
    fine(desk.connect())
    with desk.cloud.site.lock:
        desk.rules()["push", "main"].users.append(desk.carl.uuid)
    said = fine(desk.disconnect())
    assert "leave the restriction push on main: somebody has changed it" in said
    assert "Carl" in said
    assert set(desk.rules()) == {("push", "main")}
    assert desk.rows() == []


def test_a_repository_that_is_gone_can_be_forgotten(desk: Desk) -> None:
    fine(desk.connect())
    desk.cloud.delete_repository(MAIN)
    assert desk.disconnect().exit_code == 1
    fine(desk.disconnect(MAIN, "--forget", "--yes"))
    assert desk.rows() == []


def test_one_that_is_not_connected_is_told_so(desk: Desk) -> None:
    done = desk.disconnect()
    assert done.exit_code == 1 and "acme/site is not connected" in done.output


# --- what the bot has said ------------------------------------------------------------

ADA = "ada/site"


def proposed(desk: Desk, branch: str) -> tuple[int, str]:
    """A pull request of Ada's from her fork; its number and its head."""
    ada = desk.cloud.user("ada")
    if not list(ada.folder.glob("ada-site")):
        desk.cloud.grant("ada", MAIN, "read")
        desk.cloud.fork("ada", MAIN, inherit=True)
        desk.cloud.grant("ada", ADA, "admin")
        desk.cloud.grant("intakebot", ADA, "read")
        ada.clone(ADA)
    clone = ada.folder / "ada-site"
    ada.must("switch", "--quiet", "main", within=clone)
    head = ada.propose(clone, branch, {f"{branch}.html": "x\n"}, "Add")
    source = {"repository": {"full_name": ADA}, "branch": {"name": branch}}
    body = {"type": "pullrequest", "title": branch, "source": source}
    made = ada.api("POST", f"/repositories/{MAIN}/pullrequests", body)
    assert made.status_code == 201, made.text
    return int(made.json()["id"]), head


def marks(desk: Desk, head: str, number: int, state: str, key: str = "") -> None:
    body = {"type": "build", "key": key or f"intakebot-{number}", "state": state, "url": HOUSE}
    path = f"/repositories/{MAIN}/commit/{head}/statuses/build"
    assert desk.bot.api("POST", path, body).status_code == 201


def states(desk: Desk) -> dict[str, str]:
    with desk.cloud.site.lock:
        found = desk.cloud.at(MAIN).statuses
        return {key: one.state for (_, key), one in found.items()}


def test_statuses_that_would_be_in_progress_for_ever_are_stopped_and_say_why(desk: Desk) -> None:
    fine(desk.connect())
    (waits, first), (done, second) = proposed(desk, "a"), proposed(desk, "b")
    marks(desk, first, waits, "INPROGRESS")
    marks(desk, first, waits, "INPROGRESS", key="somebody-elses")
    marks(desk, second, done, "FAILED")
    assert "mark a build status as stopped" in fine(desk.disconnect(MAIN))
    assert states(desk)[f"intakebot-{waits}"] == "INPROGRESS"
    fine(desk.disconnect())
    assert states(desk) == {
        f"intakebot-{waits}": "STOPPED",
        "somebody-elses": "INPROGRESS",
        f"intakebot-{done}": "FAILED",
    }
    with desk.cloud.site.lock:
        one = desk.cloud.at(MAIN).statuses[first, f"intakebot-{waits}"]
    assert one.description == "intakebot no longer looks at this repository"


def test_one_that_cannot_be_stopped_keeps_the_connection_for_the_next_run(desk: Desk) -> None:
    fine(desk.connect())
    number, head = proposed(desk, "a")
    marks(desk, head, number, "INPROGRESS")
    desk.cloud.mischief.answer(503, "PUT .*/statuses/build")
    done = desk.disconnect()
    assert done.exit_code == 1 and "could not stop all build statuses" in done.output
    assert len(desk.rows()) == 1 and desk.rules() == {}
    fine(desk.disconnect())
    assert states(desk) == {f"intakebot-{number}": "STOPPED"} and desk.rows() == []
