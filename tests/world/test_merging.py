"""Merging over the API: strategies, who may, conflicts, and answers that come later."""

from __future__ import annotations

import pytest

from tests.world.scene import PULLS, Scene


@pytest.mark.parametrize(
    ("strategy", "parents"), [("merge_commit", 2), ("squash", 1), ("fast_forward", 1)]
)
def test_each_strategy_lands_what_the_branch_has(stage: Scene, strategy: str, parents: int) -> None:
    number = stage.propose()
    before = stage.cloud.tip("acme/site", "main")
    body = {"merge_strategy": strategy, "message": "Landed", "close_source_branch": True}
    merged = stage.must(stage.wim, "POST", f"{PULLS}/{number}/merge", body)
    assert merged["state"] == "MERGED"
    work = stage.wim.clone("acme/site")
    assert (work / "banner.txt").read_text() == "one\ntwo\nthree\n"
    tip = stage.cloud.tip("acme/site", "main")
    assert merged["merge_commit"]["hash"] == tip[:12]
    line = stage.wim.must("rev-list", "--parents", "-1", tip, within=work).split()
    assert line[1] == before
    assert len(line) == parents + 1
    if strategy != "fast_forward":
        assert stage.wim.must("log", "-1", "--format=%s", within=work).strip() == "Landed"
    refs = stage.ada.must("ls-remote", stage.ada.url("ada/site"))
    assert "banner" not in refs


def test_a_conflict_and_a_missing_right_are_refused(stage: Scene) -> None:
    first = stage.propose("one", {"page.html": "<h1>A</h1>\n"})
    second = stage.propose("two", {"page.html": "<h1>B</h1>\n"})
    assert stage.refused(stage.ada, "POST", f"{PULLS}/{first}/merge").status_code == 403
    stage.must(stage.wim, "POST", f"{PULLS}/{first}/merge")
    answer = stage.refused(stage.wim, "POST", f"{PULLS}/{second}/merge")
    assert answer.status_code == 400
    assert "conflicts" in answer.json()["error"]["message"]
    late = {"merge_strategy": "fast_forward"}
    assert stage.refused(stage.wim, "POST", f"{PULLS}/{second}/merge", late).status_code == 400


def test_a_merge_restriction_holds_whoever_it_does_not_name(stage: Scene) -> None:
    number = stage.propose()
    stage.cloud.restrict("acme/site", "restrict_merges", "main", "grace")
    assert stage.refused(stage.wim, "POST", f"{PULLS}/{number}/merge").status_code == 403
    stage.must(stage.grace, "POST", f"{PULLS}/{number}/merge")


def test_a_slow_merge_is_answered_with_a_place_to_ask(stage: Scene) -> None:
    number = stage.propose()
    stage.cloud.choices.slow_merge_polls = 2
    answer = stage.wim.api("POST", f"{PULLS}/{number}/merge")
    assert answer.status_code == 202
    assert stage.pull(number)["state"] == "OPEN"
    polls = [stage.must(stage.wim, "GET", answer.headers["Location"]) for _ in range(4)]
    assert [one["task_status"] for one in polls] == ["PENDING", "PENDING", "SUCCESS", "SUCCESS"]
    assert polls[-1]["merge_result"]["state"] == "MERGED"
    assert stage.activity(number)[-1]["update"]["state"] == "MERGED"


def test_a_slow_merge_that_fails_says_so_where_it_is_asked_for(stage: Scene) -> None:
    number = stage.propose("one", {"page.html": "<h1>A</h1>\n"})
    answer = stage.wim.api("POST", f"{PULLS}/{number}/merge?async=true")
    tip = stage.cloud.tip("acme/site", "main")
    work = stage.grace.clone("acme/site")
    stage.grace.commit(work, {"page.html": "<h1>C</h1>\n"}, "In between")
    stage.grace.must("push", "--quiet", within=work)
    for _ in range(2):
        assert stage.refused(stage.wim, "GET", answer.headers["Location"]).status_code == 400
    assert stage.pull(number)["state"] == "OPEN"
    assert stage.cloud.tip("acme/site", "main") != tip
