"""Workspaces and projects that `connect` follows, and how `disconnect` ends or narrows that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.connecting import MAIN, Desk, data, desk_in, fine
from tests.databases import Databases

pytestmark = pytest.mark.long

ALL = ("acme", "--all", "--yes")


@pytest.fixture
def desk(databases: Databases, tmp_path: Path) -> Iterator[Desk]:
    with desk_in(tmp_path, databases) as desk:
        yield desk


def followed(desk: Desk) -> list[dict[str, Any]]:
    return list(data(desk.connect("--list", "--json"))["followed"])


def names(desk: Desk) -> set[str]:
    return {row.name for row in desk.rows()}


def key(desk: Desk) -> str:
    return next(iter(desk.cloud.site.state.workspace("acme").projects.values())).key


def test_all_with_yes_follows_and_the_list_shows_it(desk: Desk) -> None:
    assert "would be followed" in fine(desk.connect("acme", "--all"))
    assert followed(desk) == []
    assert "are followed" in fine(desk.connect(*ALL))
    [one] = followed(desk)
    assert (one["workspace"], one["project"], one["left_out"]) == ("acme", "", [])
    said = fine(desk.connect("--list"))
    assert "acme/site" in said and "New repositories of acme are followed." in said
    fine(desk.connect(*ALL))
    assert len(followed(desk)) == 1


def test_one_repository_by_its_name_follows_nothing(desk: Desk) -> None:
    fine(desk.connect())
    assert followed(desk) == []
    assert data(desk.connect(MAIN, "--json"))["follows"] is False


def test_nothing_is_followed_when_something_is_in_the_way_of_all(desk: Desk) -> None:
    assert desk.connect(*ALL, INTAKEBOT_SECRET_BITBUCKET_CLOUD="").exit_code == 1
    assert followed(desk) == []


def test_one_that_was_disconnected_is_left_out_until_it_is_connected_by_its_name(
    desk: Desk,
) -> None:
    desk.add("acme/other")
    fine(desk.connect(*ALL))
    assert "leave it out of acme" in fine(desk.disconnect(MAIN, "--yes"))
    assert followed(desk)[0]["left_out"] == [MAIN]
    said = fine(desk.connect(*ALL))
    assert f"{MAIN} is left out, as it was disconnected" in said
    assert names(desk) == {"acme/other"} and desk.rules() == {}
    fine(desk.connect())
    assert names(desk) == {MAIN, "acme/other"}
    assert followed(desk)[0]["left_out"] == []


def test_one_that_was_never_connected_can_be_left_out(desk: Desk) -> None:
    fine(desk.connect(*ALL))
    desk.add("acme/own")
    assert "is left out" in fine(desk.disconnect("acme/own", "--yes"))
    assert followed(desk)[0]["left_out"] == ["acme/own"]
    fine(desk.connect(*ALL))
    assert names(desk) == {MAIN} and desk.rules("acme/own") == {}


def test_disconnect_all_ends_following_and_takes_every_repository_back(desk: Desk) -> None:
    desk.add("acme/other")
    fine(desk.connect(*ALL))
    fine(desk.connect("acme", "--project", key(desk), "--yes"))
    said = fine(desk.disconnect("acme", "--all"))
    assert "would no longer be followed" in said and len(followed(desk)) == 2
    fine(desk.disconnect(*ALL))
    assert followed(desk) == [] and names(desk) == set()
    assert (desk.rules(), desk.rules("acme/other"), desk.hooks()) == ({}, {}, [])
    done = desk.disconnect(*ALL)
    assert done.exit_code == 1 and "nothing of acme" in done.output


def test_disconnecting_a_project_leaves_its_repositories_out_of_the_workspace(desk: Desk) -> None:
    fine(desk.connect(*ALL))
    fine(desk.connect("acme", "--project", key(desk), "--yes"))
    found = data(desk.disconnect("acme", "--project", key(desk), "--yes", "--json"))
    assert found["unfollowed"] == [{"workspace": "acme", "project": key(desk)}]
    assert [one["name"] for one in found["repositories"]] == [MAIN]
    [left] = followed(desk)
    assert (left["project"], left["left_out"]) == ("", [MAIN])


def test_one_that_cannot_be_taken_back_stops_no_other_and_stays_known(desk: Desk) -> None:
    desk.add("acme/other")
    fine(desk.connect(*ALL))
    desk.cloud.delete_repository("acme/other")
    done = desk.disconnect(*ALL)
    assert done.exit_code == 1 and "no repository" in done.output
    assert names(desk) == {"acme/other"} and desk.rules() == {}
    fine(desk.disconnect("acme/other", "--forget", "--yes"))
    assert names(desk) == set()


def test_forks_in_the_workspace_are_where_changes_come_from_and_stay_so(desk: Desk) -> None:
    desk.cloud.user("ada")
    body = {"workspace": {"slug": "acme"}, "name": "site-of-ada"}
    made = desk.grace.api("POST", f"/repositories/{MAIN}/forks", body)
    assert made.status_code == 201, made.text
    fine(desk.connect(*ALL))
    assert names(desk) == {MAIN}


def test_doctor_says_what_is_followed_and_whether_somebody_looks(desk: Desk) -> None:
    fine(desk.connect(*ALL))
    said = desk.run("doctor").output
    assert "warn  following acme: nobody has looked for its new repositories yet" in said


def test_forgetting_takes_one_name(desk: Desk) -> None:
    assert desk.disconnect("acme", "--all", "--forget").exit_code == 2
