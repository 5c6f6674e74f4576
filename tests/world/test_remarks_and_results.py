"""Comments, build statuses, reports and annotations of the fake Bitbucket Cloud."""

from __future__ import annotations

from typing import Any

import pytest

from tests.world.scene import PULLS, SITE, Scene


def say(stage: Scene, number: int, text: str, **more: Any) -> Any:
    body = {"content": {"raw": text}, **more}
    return stage.must(stage.wim, "POST", f"{PULLS}/{number}/comments", body)


def listed(stage: Scene, number: int) -> list[Any]:
    found = stage.get(f"{PULLS}/{number}/comments")["values"]
    assert isinstance(found, list)
    return found


def test_a_comment_is_edited_in_place_and_a_deleted_one_stays_listed_empty(stage: Scene) -> None:
    number = stage.propose()
    first, second = say(stage, number, "one"), say(stage, number, "two")
    path = f"{PULLS}/{number}/comments"
    stage.must(stage.wim, "PUT", f"{path}/{first['id']}", {"content": {"raw": "uno"}})
    stage.must(stage.wim, "DELETE", f"{path}/{second['id']}")
    shown = [(one["id"], one["content"]["raw"], one["deleted"]) for one in listed(stage, number)]
    assert shown == [(first["id"], "uno", False), (second["id"], "", True)]
    assert stage.pull(number)["comment_count"] == 1


def test_nobody_edits_another_one_s_comment(stage: Scene) -> None:
    number = stage.propose()
    path = f"{PULLS}/{number}/comments/{say(stage, number, 'mine')['id']}"
    body = {"content": {"raw": "yours"}}
    assert stage.refused(stage.ada, "PUT", path, body).status_code == 403
    assert stage.refused(stage.ada, "DELETE", path).status_code == 403
    stage.must(stage.grace, "DELETE", path)


def test_a_line_comment_is_outdated_once_a_push_has_changed_its_line(stage: Scene) -> None:
    number = stage.propose()
    for line in (1, 3):
        say(stage, number, f"line {line}", inline={"path": "banner.txt", "to": line})
    say(stage, number, "nowhere", inline={"path": "banner.txt", "to": 99})
    assert [one["inline"]["outdated"] for one in listed(stage, number)] == [False, False, True]
    stage.push({"banner.txt": "one\ntwo\nTHREE\n"})
    shown = [(one["inline"]["to"], one["inline"]["outdated"]) for one in listed(stage, number)]
    assert shown == [(1, False), (3, True), (99, True)]


def test_a_removed_line_is_commented_by_its_old_number(stage: Scene) -> None:
    number = stage.propose(files={"page.html": "<h1>Bye</h1>\n"})
    said = say(stage, number, "why?", inline={"path": "page.html", "from": 1})
    where = {"from": 1, "to": None, "path": "page.html", "outdated": False, "context_lines": ""}
    assert said["inline"] == where


def test_an_answer_names_its_parent_and_a_thread_is_resolved_once(stage: Scene) -> None:
    number = stage.propose()
    first = say(stage, number, "one", inline={"path": "banner.txt", "to": 1})
    answer = say(stage, number, "two", parent={"id": first["id"]})
    assert answer["parent"]["id"] == first["id"]
    path = f"{PULLS}/{number}/comments/{first['id']}/resolve"
    stage.must(stage.ada, "POST", path)
    assert listed(stage, number)[0]["resolution"]["user"]["uuid"] == stage.ada.uuid
    assert stage.refused(stage.ada, "POST", path).status_code == 409
    stage.must(stage.ada, "DELETE", path)
    assert "resolution" not in listed(stage, number)[0]


def test_a_status_of_the_same_key_replaces_the_first_and_belongs_to_its_commit(
    stage: Scene,
) -> None:
    number = stage.propose()
    tip = stage.cloud.tip("ada/site", "banner")
    path = f"{SITE}/commit/{tip}/statuses/build"
    body = {"key": "intake", "state": "INPROGRESS", "url": "https://ci.example/1"}
    stage.must(stage.wim, "POST", path, {**body, "refname": "banner"})
    stage.must(stage.wim, "POST", path, {**body, "state": "FAILED", "refname": "banner"})
    [one] = stage.get(f"{PULLS}/{number}/statuses")["values"]
    assert (one["key"], one["state"], one["refname"]) == ("intake", "FAILED", "banner")
    stage.push({"banner.txt": "x\n"})
    assert stage.get(f"{PULLS}/{number}/statuses")["values"] == []


@pytest.mark.parametrize("refused", [403, 404])
def test_a_status_may_be_refused_on_a_commit_that_only_a_fork_has(
    stage: Scene, refused: int
) -> None:
    stage.cloud.choices.fork_statuses = refused
    stage.propose()
    body = {"key": "intake", "state": "FAILED", "url": "https://ci.example/1"}
    tip = stage.cloud.tip("ada/site", "banner")
    path = f"{SITE}/commit/{tip}"
    answer = stage.refused(stage.wim, "POST", f"{path}/statuses/build", body)
    assert answer.status_code == refused
    report = {"title": "Checks", "details": "All of them"}
    assert stage.refused(stage.wim, "PUT", f"{path}/reports/x", report).status_code == refused
    own = stage.cloud.tip("acme/site", "main")
    stage.must(stage.wim, "POST", f"{SITE}/commit/{own}/statuses/build", body)
    stage.cloud.choices.fork_commits = 404
    assert stage.refused(stage.wim, "GET", path).status_code == 404


def note(number: int) -> dict[str, Any]:
    return {
        "external_id": f"n{number}",
        "annotation_type": "CODE_SMELL",
        "summary": "Too long",
        "path": "page.html",
        "line": 1,
    }


def test_a_report_takes_a_hundred_annotations_a_request_and_a_thousand_in_all(
    stage: Scene,
) -> None:
    path = f"{SITE}/commit/{stage.cloud.tip('acme/site', 'main')}/reports/checks"
    report = {"title": "Checks", "details": "All", "report_type": "TEST", "result": "FAILED"}
    stage.must(stage.wim, "PUT", path, report)
    for start in range(0, 1000, 100):
        notes = [note(start + number) for number in range(100)]
        stage.must(stage.wim, "POST", f"{path}/annotations", notes)
    again = [note(999)]
    stage.must(stage.wim, "POST", f"{path}/annotations", again)
    answer = stage.refused(stage.wim, "POST", f"{path}/annotations", [note(1000)])
    assert answer.status_code == 400
    assert stage.get(f"{path}/annotations?pagelen=100")["size"] == 1000
    stage.must(stage.wim, "PUT", path, {**report, "result": "PASSED"})
    assert stage.get(path)["result"] == "PASSED"
    stage.must(stage.wim, "DELETE", path)
    assert stage.refused(stage.wim, "GET", path).status_code == 404


def test_annotations_need_a_name_each_of_their_own(stage: Scene) -> None:
    path = f"{SITE}/commit/{stage.cloud.tip('acme/site', 'main')}/reports/checks"
    stage.must(stage.wim, "PUT", path, {"title": "Checks", "details": "All"})
    twice = [note(1), note(1)]
    assert stage.refused(stage.wim, "POST", f"{path}/annotations", twice).status_code == 400


def test_a_commit_can_be_commented_on(stage: Scene) -> None:
    tip = stage.cloud.tip("acme/site", "main")
    path = f"{SITE}/commit/{tip[:12]}/comments"
    stage.must(stage.wim, "POST", path, {"content": {"raw": "Pushed past the gate"}})
    [one] = stage.get(path)["values"]
    assert (one["commit"]["hash"], one["content"]["raw"]) == (tip, "Pushed past the gate")
